"""manage.py verify_audit: check the hash chain of the audit."""

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tradedesk.audit.services import all_breaks, last_record

# Breaks that are named; a table that was exchanged has one for each record.
NAMED = 20


class Command(BaseCommand):
    help = (
        "Check that no record of the audit was changed or removed. Names what breaks the chain, the first "
        f"{NAMED} of it; the exit code is then 1."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(islice(all_breaks(), NAMED + 1))
        if found:
            more = ["There is more."] if len(found) > NAMED else []
            raise CommandError("\n".join([*found[:NAMED], *more]))
        sequence, last_hash = last_record()
        self.stdout.write(
            f"The audit is complete: {sequence:,} records. Hash of the last one: {last_hash or 'none'}"
        )
