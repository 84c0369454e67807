"""manage.py renew_secrets: after a change of ENCRYPTION_KEY."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tradedesk.encryption import NotDecrypted
from tradedesk.keyring import renew_all


class Command(BaseCommand):
    help = (
        "Encrypt all stored secrets with the first key of ENCRYPTION_KEY, so that the later ones can be removed."
    )

    def handle(self, **options: Any) -> None:
        try:
            renewed = renew_all()
        except NotDecrypted as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{renewed} secrets had an older key and now have the first one.")
