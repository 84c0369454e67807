"""manage.py changepassword: Django's own, with a record."""

from typing import Any

from django.contrib.auth.management.commands import changepassword

from tradedesk.accounts.log_records import note
from tradedesk.accounts.models import User
from tradedesk.audit import origin


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        # In no transaction, which would hold up the desk while somebody types.
        told: str | None = super().handle(*args, **options)
        user = User.objects.get(email=options["username"])
        note(user, "password_changed", actor=str(origin.current().who()), forgotten=False)
        return told
