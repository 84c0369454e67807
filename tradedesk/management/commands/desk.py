"""manage.py desk: the whole desk in one process, without other servers."""

import faulthandler
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone
from django.utils.module_loading import import_string

from tradedesk.background import NotStarted, start_in_background
from tradedesk.database_check import UnusableDatabase, refuse_damaged
from tradedesk.exposure import Exposed, refuse_open_doors
from tradedesk.lock import Locked
from tradedesk.preparation import NotBuilt, collect_static_files, compile_kernels, prepare_data
from tradedesk.running import Running, find, lock_desk
from tradedesk.server import CannotListen, Desk, listen

DEMO_USER = "demo@example.com"


class Command(BaseCommand):
    help = "Run the whole desk in this one process: pages, worker and beat. Ctrl-C stops it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1")
        parser.add_argument("--port", default=os.environ.get("PORT") or "8000")
        parser.add_argument(
            "--background", action="store_true", help="start it, wait until it is healthy, and leave it running"
        )

    def handle(self, *, host: str, port: str, background: bool, **options: Any) -> None:
        try:
            code = self.start(host, port) if background else self.run(host, port)
        except (CommandError, NotBuilt, CannotListen, Exposed, UnusableDatabase, NotStarted) as refusal:
            self.stderr.write(str(refusal))
            code = 1
        except KeyboardInterrupt:
            code = 0
        sys.exit(code)

    def run(self, host: str, port: str) -> int:
        url = self.checked_url(host, port)
        faulthandler.enable()  # compiled code that crashes says where
        try:
            with lock_desk(Running.this_process(url)):
                listener = listen(host, int(port))
                refuse_damaged(settings.DATABASES["default"])
                collect_static_files()
                prepare_data(timezone.now())
                compile_kernels(lambda line: self.print_now(f"{line}\n"))
                welcome = self.welcome(url, "Press Ctrl-C to stop the desk.")
                connections.close_all()
                return Desk(listener, on_ready=lambda: self.print_now(welcome)).serve_until_stopped()
        except Locked as holder:
            raise CommandError(
                f"A desk is already running on {settings.DATA_DIR} ({Running.read(str(holder)) or holder}). "
                "Stop it first, or set DESK_DATA_DIR to another folder for this one."
            ) from None

    def start(self, host: str, port: str) -> int:
        url = self.checked_url(host, port)
        if isinstance(running := find(), Running) and running.is_desk:
            self.print_now(f"The desk runs already: {running}\n")
            return 0
        log = settings.DATA_DIR / "logs" / "console.log"
        self.print_now(f"Starting the desk; what it prints is in {log}\n")
        start_in_background(["desk", "--host", host, "--port", port], url, log)
        self.print_now(self.welcome(url, "Stop it with: make stop, or manage.py desk-stop"))
        return 0

    def checked_url(self, host: str, port: str) -> str:
        if settings.REDIS_URL:
            raise CommandError(
                "REDIS_URL is set, so this desk runs as several processes. Start web, worker, research and beat "
                "(see docker-compose.yml), or remove REDIS_URL to run the desk in one process."
            )
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise CommandError(f"PORT must be a whole number from 1 to 65535, not “{port}”.")
        refuse_open_doors(host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def welcome(self, url: str, how_to_stop: str) -> str:
        lines = [f"tradedesk   {url}"]
        if settings.DEMO_USER:
            lines.append(f"Demo user   {DEMO_USER}  {self.demo_password()}")
        lines += [f"Market      {self.market()}", how_to_stop]
        return "\n" + "".join(f"  {line}\n" for line in lines)

    def print_now(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def demo_password(self) -> str:
        file = settings.DATA_DIR / "demo-password"
        return os.environ.get("DEMO_PASSWORD") or (file.read_text().strip() if file.exists() else "")

    def market(self) -> str:
        if settings.MARKET == "alpaca":
            return f"real: the wall clock, and bars of Alpaca ({settings.ALPACA_FEED})"
        if settings.MARKET != "replay":
            return "real: the wall clock and the bars you import"
        state = import_string("tradedesk.marketdata.replay.replay_state")()
        day = f"{state.session:%Y-%m-%d}"
        if state.ended:
            return f"replay, ended on {day}. Start it again with “manage.py reset_replay”."
        return f"replay of {day}, 1 session = {state.seconds_per_bar:g} s"
