"""manage.py web: the pages of a desk of several processes; `manage.py desk` serves them itself."""

import os
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand, CommandError

from tradedesk.connection_limits import LimitedProtocol, raise_open_files
from tradedesk.exposure import Exposed, refuse_open_doors


class Command(BaseCommand):
    help = "Serve the pages and the API. Worker, research and beat are processes of their own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1")
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        try:
            refuse_open_doors(host)
        except Exposed as refusal:
            raise CommandError(str(refusal)) from None
        raise_open_files()
        uvicorn.run(
            "tradedesk.asgi:application",
            host=host,
            port=port,
            http=LimitedProtocol,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
