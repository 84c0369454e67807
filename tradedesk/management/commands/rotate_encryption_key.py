"""manage.py rotate_encryption_key: a new key for all stored secrets."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tradedesk.audit.services import Entry, record_all
from tradedesk.keyring import renew_all
from tradedesk.lock import FileLock, Locked
from tradedesk.settings.environment import prepend_secret


class Command(BaseCommand):
    help = (
        "Encrypt all stored secrets with a new key: the first one of ENCRYPTION_KEY, or, where the key is in the "
        "data folder, one that is made now. It can be repeated."
    )

    def handle(self, **options: Any) -> None:
        if settings.ENCRYPTION_KEY_FILE is None:
            self.name(self.renew())
            return
        if settings.REDIS_URL:
            raise CommandError(
                "This desk runs as several processes, which would not know a new key. Set ENCRYPTION_KEY to a new "
                f"key, a comma and the keys of {settings.ENCRYPTION_KEY_FILE}, start every process again, and "
                "repeat this command."
            )
        try:
            # A desk that runs would not know the new key.
            with FileLock(settings.DATA_DIR / "desk.lock", "manage.py rotate_encryption_key"):
                # First the key, then the secrets: what is killed between them is finished by the next call.
                settings.ENCRYPTION_KEYS = prepend_secret(settings.ENCRYPTION_KEY_FILE)
                unreadable = self.renew()
        except Locked as holder:
            raise CommandError(f"A desk is running on this data folder ({holder}). Stop it first.") from None

        self.stdout.write(
            f"The new key is the first line of {settings.ENCRYPTION_KEY_FILE}. The former ones below it open "
            "older backups."
        )
        self.name(unreadable)

    def renew(self) -> list[str]:
        """Returns the rows that stay as they are."""
        renewed = renew_all()
        details = {"secrets": renewed.number, "unreadable": renewed.unreadable}
        record_all([Entry(None, "key_rotated", None, details)], timezone.now())
        self.stdout.write(f"{renewed.number} secrets had an older key and now have the first one.")
        return renewed.unreadable

    def name(self, unreadable: list[str]) -> None:
        if unreadable:
            raise CommandError("\n".join(["These stay as they are:", *unreadable]))
