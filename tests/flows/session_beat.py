"""Beat on the shifted clock of tests.flows.session_settings: its library asks Python's clock in one place, and
Django's in the others."""

from datetime import datetime

from django.utils import timezone

from tradedesk.beat import DeskEntry, DeskScheduler


class SessionEntry(DeskEntry):
    def _default_now(self) -> datetime:
        return timezone.now()


class SessionScheduler(DeskScheduler):
    Entry = SessionEntry
