"""manage.py createsuperuser: Django's own, with a record."""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.db.models import Max

from tradedesk.accounts.log_records import note
from tradedesk.accounts.models import User
from tradedesk.audit import origin


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        # In no transaction, which would hold up the desk while somebody types.
        newest = User.objects.aggregate(newest=Max("pk"))["newest"] or 0
        super().handle(*args, **options)
        for user in User.objects.filter(pk__gt=newest, is_superuser=True):
            note(user, "operator_added", actor=str(origin.current().who()))
