"""manage.py verify_audit: check the hash chain of the audit."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tradedesk.audit.services import broken_at, last_record


class Command(BaseCommand):
    help = "Check that no record of the audit was changed or removed. Names the first one that was."

    def handle(self, *args: Any, **options: Any) -> None:
        if problem := broken_at():
            raise CommandError(problem)
        sequence, last_hash = last_record()
        self.stdout.write(f"The audit is whole: {sequence:,} records. Hash of the last one: {last_hash or 'none'}")
