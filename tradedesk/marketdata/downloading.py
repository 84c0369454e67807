"""Downloading the history of series: a job in steps, each of which is stored before the next one begins.

A step is a few symbols and a stretch of time, the newest stretch first: a series can be used, and is kept up to
date, while its older bars are still coming. A worker holds a lease on the job, which it renews with each page;
when it is killed, another one goes on with the step. One step at a time runs on the desk, and jobs take turns.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from tradedesk.audit.services import record_all
from tradedesk.core.bars import Bars, InvalidBars, Timeframe, to_datetime
from tradedesk.marketdata.bars_audit import of_download
from tradedesk.marketdata.data_keys import access_of_owner
from tradedesk.marketdata.delivering import Delivered, deliver, replace_history
from tradedesk.marketdata.download_requests import RUN_TASK, UNFINISHED, Step, queue_replacement, steps_of
from tradedesk.marketdata.feeds.alpaca import AlpacaFeed
from tradedesk.marketdata.feeds.alpaca_client import AlpacaClient
from tradedesk.marketdata.feeds.protocol import FeedFailed
from tradedesk.marketdata.models import BarSeries, Download
from tradedesk.marketdata.parts import join
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import ALPACA, SeriesKey
from tradedesk.marketdata.sessions import daily_time
from tradedesk.publishing import publish
from tradedesk.wall_time import is_over

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
# A message works for so long, and then makes place for backtests.
TURN_SECONDS = 30.0
# A step is begun so often; then the job has failed. Between two attempts it waits, in seconds.
ATTEMPTS, PAUSES = 4, (5.0, 20.0, 60.0)
# Requests of a minute that are left for the bars of strategies that trade.
RESERVED = 40
# A replacement that ends so much earlier than what is stored is an answer that was cut.
CUT = timedelta(days=7)

Clock = Callable[[], datetime]
Progress = Callable[[str, int], None]
Sleep = Callable[[float], None]


class DownloadLost(Exception):
    """The job was cancelled, or another worker has it."""


def has_work(now: datetime) -> bool:
    return _claimable(now).exists()


def run_downloads(clock: Clock, sleep: Sleep = time.sleep) -> None:
    """Do steps for TURN_SECONDS, and leave the rest to the next message."""
    begun = clock()
    while (clock() - begun).total_seconds() < TURN_SECONDS:
        claimed = _claim(clock())
        if claimed is None:
            return
        _Worker(claimed, clock, sleep).do_step()
    if has_work(clock()):
        publish(RUN_TASK, [()])


def _claimable(now: datetime) -> QuerySet[Download]:
    free = Q(leased_until=None) | is_over("leased_until", now, LEASE)
    return Download.objects.filter(UNFINISHED & free)


def _claim(now: datetime) -> Download | None:
    """The job that was served longest ago, with a lease; None when there is none or another step is running."""
    leased = Q(status=Download.Status.RUNNING, leased_until__gt=now, leased_until__lte=now + 2 * LEASE)
    if Download.objects.filter(leased & UNFINISHED, stage__gt="").exists():
        return None
    for job in _claimable(now).order_by(F("served_at").asc(nulls_first=True), "pk")[:5]:
        same = Download.objects.filter(UNFINISHED, pk=job.pk, leased_until=job.leased_until)
        changes = {
            "status": Download.Status.RUNNING,
            "leased_until": now + LEASE,
            "served_at": now,
            "stage": "Asking Alpaca",
        }
        if same.update(attempts=F("attempts") + 1, **changes) == 1:
            job.refresh_from_db()
            return job
    return None


@dataclass(slots=True)
class _Worker:
    """job: with a lease, which each write renews or ends."""

    job: Download
    clock: Clock
    sleep: Sleep
    # The symbols of the step that Alpaca does not accept.
    refused: list[str] = field(default_factory=list)

    def do_step(self) -> None:
        """One step; its failure is tried again later, or ends the job. Raises nothing of a feed."""
        job = self.job
        try:
            if job.attempts > ATTEMPTS:
                self._end(Download.Status.FAILED, error=job.error or "Its worker was stopped again and again.")
                return
            delivered = self._work()
            done = job.steps_done + 1
            notes = _joined(job.notes, _notes(delivered), _refused_text(self.refused))
            changes = {"steps_done": done, "bars": F("bars") + sum(d.added for d in delivered.values())}
            if done >= job.steps:
                empty = job.bars == 0 and not any(d.added or d.changed for d in delivered.values())
                if empty and not job.automatic and not self._has_bars():
                    error = f"Alpaca has no {job.timeframe} bars of {', '.join(job.symbols)} since {job.start}."
                    error = _refused_text(self.refused) or error
                    self._end(Download.Status.FAILED, error=error[:300], **changes)
                    return
                self._end(Download.Status.DONE, notes=notes, error="", **changes)
            else:
                self._write(**changes, notes=notes, error="", attempts=0, leased_until=None, stage="")
        except DownloadLost:
            return
        except (FeedFailed, ImportRefused, InvalidBars) as failure:
            self._failed(failure)

    def _work(self) -> dict[str, Delivered]:
        """Raises FeedFailed, ImportRefused and InvalidBars; DownloadLost after a cancellation."""
        job = self.job
        feed = access_of_owner(job.owner_id).feed()
        if job.replace:
            step = Step(tuple(job.symbols), job.start, job.end)
            return self._replaced(self._bars(feed, step))
        step = steps_of(job.symbols, job.timeframe, job.start, job.end)[job.steps_done]
        return store_step(job.owner_id, job.timeframe, self._bars(feed, step), self.clock)

    def _bars(self, feed: AlpacaFeed, step: Step) -> dict[str, Bars]:
        return bars_of_step(feed, self.job.timeframe, step, self.clock, self._progress, self._rest, self.refused)

    def _replaced(self, bars: dict[str, Bars]) -> dict[str, Delivered]:
        job, found = self.job, {}
        for symbol in job.symbols:
            if symbol not in bars:
                raise FeedFailed(f"Alpaca has no {job.timeframe} bars of {symbol} any more.")
            key = SeriesKey(ALPACA, symbol, job.timeframe, job.owner_id)
            stored = BarSeries.objects.filter(**key._asdict()).first()
            last = to_datetime(bars[symbol].time[-1])
            if stored is not None and last < stored.last - CUT:
                raise FeedFailed(
                    f"Alpaca's bars of {symbol} end on {last:%Y-%m-%d}, before those that are stored."
                )
            found[symbol] = replace_history(key, bars[symbol], note=job.notes or "a split", now=self.clock())
        return found

    def _has_bars(self) -> bool:
        key = {"provider": ALPACA, "timeframe": self.job.timeframe, "owner_id": self.job.owner_id}
        return BarSeries.objects.filter(symbol__in=self.job.symbols, **key).exists()

    def _progress(self, stage: str, bars: int) -> None:
        self._write(stage=stage[:200], leased_until=self.clock() + LEASE)

    def _rest(self, seconds: float) -> None:
        """Wait for the source, with a sign of life, so that a cancellation is seen."""
        while seconds > 0:
            self._progress(f"Waiting {seconds:.0f} s: Alpaca's limit of requests", 0)
            self.sleep(min(seconds, 5.0))
            seconds -= 5.0

    def _failed(self, failure: Exception) -> None:
        """Tried again later, unless it was the last attempt or no attempt can help."""
        keys = isinstance(failure, FeedFailed) and failure.keys
        wait = failure.wait if isinstance(failure, FeedFailed) else 0.0
        attempts = self.job.attempts
        try:
            if keys or attempts >= ATTEMPTS:
                self._end(Download.Status.FAILED, error=str(failure)[:300])
                return
            pause = max(wait, PAUSES[min(attempts, len(PAUSES)) - 1])
            again = self.clock() + timedelta(seconds=pause)
            self._write(error=str(failure)[:300], stage="", leased_until=again)
        except DownloadLost:
            return

    def _end(self, status: str, **changes: object) -> None:
        ended_at = self.clock()
        with transaction.atomic():
            self._write(status=status, finished_at=ended_at, leased_until=None, stage="", **changes)
            ended = Download.objects.get(pk=self.job.pk)
            told = {"bars": ended.bars, "notes": ended.notes, "error": ended.error}
            record_all([of_download(f"download_{status}", ended, **told)], ended_at)

    def _write(self, **changes: object) -> None:
        held = Download.objects.filter(UNFINISHED, pk=self.job.pk, leased_until=self.job.leased_until)
        if held.update(**changes) != 1:
            raise DownloadLost
        if "leased_until" in changes:
            self.job.leased_until = changes["leased_until"]  # type: ignore[assignment]  # the keywords are of several types


def bars_of_step(
    feed: AlpacaFeed,
    timeframe: str,
    step: Step,
    clock: Clock,
    progress: Progress,
    rest: Sleep,
    refused: list[str],
) -> dict[str, Bars]:
    """All bars of a step by symbol. progress(stage, bars so far) is called after each page, rest(seconds) when the
    requests of a minute are nearly used up. refused: takes the symbols that Alpaca does not accept."""
    pieces: dict[str, list[Bars]] = defaultdict(list)
    count = 0
    start, end = daily_time(step.first), daily_time(step.last + timedelta(days=1)) - timedelta(microseconds=1)
    for page in feed.pages(step.symbols, Timeframe(timeframe), start, end, clock(), refused):
        for symbol, bars in page.items():
            if len(bars):
                pieces[symbol].append(bars)
                count += len(bars)
        at = max(pieces, default=step.symbols[0])
        progress(f"{at}, {step.first.year}: {count:,} bars", count)
        if (pause := _pause(feed)) > 0:
            rest(pause)
    return {symbol: join(each) for symbol, each in pieces.items()}


def _pause(feed: AlpacaFeed) -> float:
    """Seconds to wait so that a reserve of requests stays for those that cannot wait."""
    client = feed.client
    if not isinstance(client, AlpacaClient) or client.remaining is None or client.remaining > RESERVED:
        return 0.0
    return min(max(client.resets - time.time(), 0.0), 60.0)


def store_step(owner_id: int | None, timeframe: str, bars: dict[str, Bars], clock: Clock) -> dict[str, Delivered]:
    """Store what a step has brought. Where its bars are at another scale, they replace the whole history, or a
    download that does is queued."""
    found = {}
    for symbol, each in bars.items():
        key = SeriesKey(ALPACA, symbol, timeframe, owner_id)
        found[symbol] = _delivered(key, each, clock)
    return found


def _delivered(key: SeriesKey, bars: Bars, clock: Clock) -> Delivered:
    """Tried again once: an update may have changed the series in between."""
    try:
        delivered = deliver(key, bars, now=clock())
    except ImportRefused:
        delivered = deliver(key, bars, now=clock())
    if not delivered.reload:
        return delivered
    stored = BarSeries.objects.filter(**key._asdict()).first()
    first, last = to_datetime(bars.time[0]), to_datetime(bars.time[-1])
    if stored is not None and (first > stored.first or last < stored.last):
        queue_replacement(key, delivered.reload, clock(), since=first)
        return delivered
    return replace_history(key, bars, note=delivered.reload, now=clock())


def _notes(delivered: dict[str, Delivered]) -> str:
    """What was remarkable: "AAPL: 3 bars changed"."""
    changed = [f"{symbol}: {_counted(each.changed)} changed" for symbol, each in delivered.items() if each.changed]
    again = [
        f"{symbol}: {each.reload}, so all of it is downloaded again"
        for symbol, each in delivered.items()
        if each.reload
    ]
    return "; ".join([*changed, *again])


def _refused_text(symbols: Sequence[str]) -> str:
    return f"Alpaca does not accept {', '.join(symbols)}" if symbols else ""


def _counted(number: int) -> str:
    return "1 bar" if number == 1 else f"{number:,} bars"


def _joined(*texts: str) -> str:
    return "; ".join(filter(None, texts))[:500]
