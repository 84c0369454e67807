"""manage.py setup_desk: what the full desk needs done once, before its web, worker and beat processes start."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tradedesk.preparation import NotBuilt, collect_static_files, compile_kernels, prepare_data


class Command(BaseCommand):
    help = "Migrate the database, load the sample bars, start the replay, compile. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only-static", action="store_true", help="collect the static files, nothing else")

    def handle(self, *, only_static: bool, **options: Any) -> None:
        if not only_static:
            prepare_data(timezone.now())
            compile_kernels(self.stdout.write)
            return
        try:
            collect_static_files()
        except NotBuilt as sentence:
            raise CommandError(str(sentence)) from None
