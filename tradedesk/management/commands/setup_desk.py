"""manage.py setup_desk: prepares a desk of several processes, before its web, worker and beat start."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tradedesk.preparation import NotBuilt, collect_static_files, compile_kernels, prepare_data


class Command(BaseCommand):
    help = "Migrate the database, load the sample bars, start the replay, compile the kernels. Can be repeated."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only-static", action="store_true", help="only collect the static files")

    def handle(self, *, only_static: bool, **options: Any) -> None:
        if not only_static:
            prepare_data(timezone.now())
            compile_kernels(self.stdout.write)
            return
        try:
            collect_static_files()
        except NotBuilt as error:
            raise CommandError(str(error)) from None
