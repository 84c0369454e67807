import time
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tradedesk.audit.services import Entry, record_all
from tradedesk.core.bars import InvalidBars, Timeframe
from tradedesk.marketdata.data_keys import access_of_owner
from tradedesk.marketdata.download_requests import cleaned_symbols, steps_of
from tradedesk.marketdata.downloading import bars_of_step, store_step
from tradedesk.marketdata.feeds.alpaca import FIRST, served_timeframe
from tradedesk.marketdata.feeds.protocol import FeedFailed
from tradedesk.marketdata.management.owner import add_owner, owner_of
from tradedesk.marketdata.refusal import ImportRefused


class Command(BaseCommand):
    help = (
        "Download bars of US shares from Alpaca, adjusted for splits. What is stored stays; changed bars are "
        "replaced and named. Bars of an hour, a week and a month are made from shorter ones. Stop it with Ctrl-C "
        "and start it again: it stores each step, the newest year first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbols", nargs="+", metavar="SYMBOL")
        parser.add_argument("--timeframe", default=Timeframe.DAY.value, choices=list(Timeframe))
        parser.add_argument(
            "--start",
            type=date.fromisoformat,
            default=FIRST.date(),
            metavar="DATE",
            help=f"the first day, such as 2020-01-02; by default {FIRST:%Y-%m-%d}, before which Alpaca has none",
        )
        add_owner(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            symbols = cleaned_symbols(options["symbols"])
            stored, failed = self.download(symbols, options["timeframe"], options["start"], owner_of(options))
        except (FeedFailed, ImportRefused, InvalidBars) as refusal:
            raise CommandError(str(refusal)) from refusal
        missing = [symbol for symbol in symbols if symbol not in stored]
        for line in failed:
            self.stderr.write(line)
        if missing:
            self.stderr.write(f"Alpaca has no {options['timeframe']} bars of {', '.join(missing)} in this time.")
        if missing or failed:
            raise CommandError(f"Downloaded: {len(stored):,} of {len(symbols):,} symbols.")

    def download(
        self, symbols: Sequence[str], timeframe: str, start: date, owner_id: int | None
    ) -> tuple[set[str], list[str]]:
        """The symbols that Alpaca has, and what is wrong with single ones. Raises FeedFailed and ImportRefused."""
        served, today = served_timeframe(timeframe), timezone.now().date()
        if start > today:
            raise ImportRefused("The first day is in the future.")
        feed = access_of_owner(owner_id).feed()
        asked = {"symbols": symbols, "timeframe": served, "start": start}
        record_all([Entry(None, "download_queued", None, asked, owner_id)], timezone.now())
        found, failed = set[str](), list[str]()
        for step in steps_of(symbols, served, start, today):
            refused = list[str]()
            bars = bars_of_step(feed, served, step, timezone.now, self.show, time.sleep, refused)
            failed += [f"{symbol}: Alpaca does not accept this symbol." for symbol in refused]
            for symbol, each in bars.items():
                found.add(symbol)
                try:
                    [delivered] = store_step(owner_id, served, {symbol: each}, timezone.now).values()
                except (ImportRefused, InvalidBars) as refusal:
                    failed.append(f"{symbol}: {refusal}")
                    continue
                if delivered.reload:
                    failed.append(f"{symbol}: {delivered.reload}. The desk downloads its whole history again.")
                    continue
                changed = f", {delivered.changed:,} changed" if delivered.changed else ""
                period = f"{step.first} to {step.last}"
                self.stdout.write(f"{symbol} {served} {period}: {delivered.added:,} bars added{changed}.")
        return found, failed

    def show(self, stage: str, bars: int) -> None:
        if bars and bars % 100_000 < 10_000:
            self.stdout.write(f"{stage} ...")
