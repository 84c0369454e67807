"""Keeping the series in use up to date: of all users, all symbols of one timeframe in one request.

Each owner of series and each timeframe is a row of BarUpdate: when its next request is due, and how the last one
went. A worker claims a due row by one conditional UPDATE under a lease, so two workers do not ask twice; a lease
outlasts the longest turn. A request begins a few bars before the newest stored one, so corrections and late bars
of the last minutes are seen, and so is a split, which changes all bars before it.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Q

from tradedesk.core.bars import Bars, InvalidBars, Timeframe, to_datetime, to_datetime64
from tradedesk.marketdata import sessions
from tradedesk.marketdata.arrivals import Arrival, announce
from tradedesk.marketdata.data_keys import access_of_owner
from tradedesk.marketdata.delivering import Delivered, deliver
from tradedesk.marketdata.download_requests import queue_replacement
from tradedesk.marketdata.feeds.alpaca import CAPABILITIES, AlpacaFeed, final_until
from tradedesk.marketdata.feeds.protocol import FeedFailed
from tradedesk.marketdata.library import find_series
from tradedesk.marketdata.models import BarSeries, BarUpdate
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.resampling import made_from
from tradedesk.marketdata.series import ALPACA, SeriesKey, key_of
from tradedesk.marketdata.sessions import bar_close
from tradedesk.marketdata.usage import all_in_use
from tradedesk.wall_time import is_over

log = logging.getLogger(__name__)

# A turn ends after this many seconds and one answer more, below the lease.
TURN_SECONDS, LEASE = 25.0, timedelta(seconds=90)
# Turns at a time; while one fails, so many: a source that hangs must not take all threads of the workers.
TURNS, TURNS_IF_ILL = 4, 2
# The bars before the newest one that are asked for again.
REPEATED = 5
# Series that are further behind than this many sessions are asked for by themselves.
FAR_BEHIND, FAR_BEHIND_DAYS = 2, 30
# After a failure in seconds, doubled with each one; after wrong keys.
FIRST_PAUSE, LONGEST_PAUSE, KEYS_PAUSE = 2.0, 60.0, 300.0
# A bar that is due and not there is asked for again: of minutes soon and not for long, of days for hours.
SOON, SOON_TIMES = timedelta(seconds=1), 4
LATER, LATER_LONGEST = timedelta(minutes=1), timedelta(hours=1)
LONGEST_WAIT = timedelta(days=10)
# A request is never planned for later than this after the next bar is final.
OVERDUE = timedelta(minutes=10)
# Seconds that this machine's clock may be ahead of Alpaca's.
AHEAD, AHEAD_TEXT = 1.0, "The clock of this machine is"
# More requests in a row change nothing, and the column is small.
MOST_REPEATS = 100

Group = tuple[int | None, str]
Clock = Callable[[], datetime]


def plan_updates(now: datetime) -> None:
    """One row for each owner and timeframe of the series in use, and none without."""
    groups = series_in_use()
    known = {(row.owner_id, row.timeframe): row for row in BarUpdate.objects.all()}
    for owner_id, timeframe in groups.keys() - known.keys():
        try:
            with transaction.atomic():
                BarUpdate.objects.create(owner_id=owner_id, timeframe=timeframe, due_at=now)
        except IntegrityError:
            continue  # another worker was first
    for row in known.values():
        # The day became shorter than the calendar said when the request was planned.
        if row.due_at - (at := next_final(row.timeframe, now)) > OVERDUE:
            BarUpdate.objects.filter(pk=row.pk, due_at=row.due_at).update(due_at=at)
    unused = [known[group].pk for group in known.keys() - groups.keys()]
    if unused:
        BarUpdate.objects.filter(pk__in=unused).delete()


def series_in_use(owner_id: int | None = None) -> dict[Group, list[BarSeries]]:
    """The series of the feed that someone's strategies and lots read, by owner and timeframe. owner_id: only what
    this user reads, who alone reads the own series. One query for each user and timeframe."""
    wanted: dict[tuple[int, str], set[str]] = defaultdict(set)
    for user_id, symbol, timeframe in all_in_use():
        if owner_id is None or user_id == owner_id:
            wanted[user_id, timeframe].add(symbol)
    found: dict[Group, dict[int, BarSeries]] = defaultdict(dict)
    for (user_id, timeframe), symbols in wanted.items():
        for series in find_series(user_id, symbols, timeframe).values():
            read = series.source or series
            if read.provider == ALPACA:
                found[read.owner_id, read.timeframe][read.pk] = read
    return {group: list(rows.values()) for group, rows in found.items()}


def update_due(clock: Clock) -> int:
    """Make all turns that are due. Returns their number."""
    turns = 0
    while (update := claim(clock())) is not None:
        turns += 1
        run(update, clock)
    return turns


def claim(now: datetime) -> BarUpdate | None:
    """A due row with a lease; None when there is none, or when enough are at work."""
    running = Q(leased_until__gt=now, leased_until__lte=now + 2 * LEASE)
    due = BarUpdate.objects.filter(is_over("due_at", now, LONGEST_WAIT)).order_by("due_at")
    free = due.filter(Q(leased_until=None) | is_over("leased_until", now, LEASE))
    rows = list(free[:TURNS])
    if not rows:
        return None
    most = TURNS_IF_ILL if BarUpdate.objects.filter(failures__gt=0).exists() else TURNS
    if BarUpdate.objects.filter(running).count() >= most:
        return None
    for row in rows:
        same = BarUpdate.objects.filter(pk=row.pk, leased_until=row.leased_until, due_at=row.due_at)
        if same.update(leased_until=now + LEASE) == 1:
            row.leased_until = now + LEASE
            return row
    return None


def run(update: BarUpdate, clock: Clock) -> None:
    """One turn of a claimed row: ask, store, and say when the next one is due. An error of any kind ends in the
    row, which is tried again after a pause."""
    turn = _Turn(update.timeframe, clock)
    rows: list[BarSeries] = []
    error = ""
    failed: FeedFailed | None = None
    try:
        rows = series_in_use(update.owner_id).get((update.owner_id, update.timeframe), [])
        turn.ask(access_of_owner(update.owner_id).feed(), rows)
    except FeedFailed as failure:
        failed, error = failure, str(failure)
    except Exception as unexpected:
        log.exception("Bars of %s could not be updated", update)
        error = f"The bars could not be updated: {unexpected!r}"
        failed = FeedFailed(error)
    else:
        error = " ".join(turn.refused)
    if turn.added:
        longer = [update.timeframe, *made_from(update.timeframe)]
        try:
            announce(Arrival(update.owner_id, turn.added, longer), clock())
        except Exception:  # the checks are due by themselves, only later
            log.exception("New bars of %s could not be announced", update)
    now = clock()
    changes: dict[str, object] = {"error": error[:300], "symbols": len(rows), "leased_until": None}
    if failed is None:
        waits = not turn.cut and turn.is_waiting(now)
        before = update.repeats if _is_same_bar(update, now) else 0
        repeats = min(before + 1, MOST_REPEATS) if waits else 0
        due_at = now if turn.cut else next_due(update.timeframe, repeats, now)
        changes |= {"failures": 0, "answered_at": now, "repeats": repeats, "due_at": due_at}
    else:
        failures = min(update.failures + 1, 1000)
        changes |= {"failures": failures, "due_at": now + pause_after(failed, failures)}
        log.warning("Bars of %s could not be updated: %s", update, error)
    if turn.newest is not None and (update.newest_close is None or turn.newest > update.newest_close):
        changes |= {"newest_close": turn.newest, "stored_at": turn.stored_at}
    elif update.newest_close is None and rows:  # health looks from here on whether new ones come
        changes["newest_close"] = close_of(max(row.last for row in rows), update.timeframe)
    BarUpdate.objects.filter(pk=update.pk, leased_until=update.leased_until).update(**changes)


def _is_same_bar(update: BarUpdate, now: datetime) -> bool:
    """Whether no bar has become final since the last answer."""
    last = update.answered_at
    return last is not None and last_final(update.timeframe, last) == last_final(update.timeframe, now)


def next_due(timeframe: str, repeats: int, now: datetime) -> datetime:
    """When the next bar is final. repeats: the requests in a row that did not bring one that is."""
    upcoming = next_final(timeframe, now)
    if not repeats:
        return upcoming
    if Timeframe(timeframe).is_dated:
        return min(upcoming, now + min(LATER * (1 << min(repeats - 1, 10)), LATER_LONGEST))
    return min(upcoming, now + SOON * (1 << (repeats - 1))) if repeats <= SOON_TIMES else upcoming


def next_final(timeframe: str, now: datetime) -> datetime:
    """The first time after `now` at which the feed serves a bar that it does not serve yet."""
    delay, length = CAPABILITIES.delay_of(timeframe), timedelta(minutes=Timeframe(timeframe).minutes)
    shown = now - delay
    if Timeframe(timeframe).is_dated:
        return sessions.next_close(shown) + delay
    if not sessions.is_open(shown):
        return sessions.next_open(shown) + length + delay
    close = sessions.next_close(shown)
    opened = sessions.session_open(shown.astimezone(sessions.NEW_YORK).date())
    return min(opened + ((shown - opened) // length + 1) * length, close) + delay


def last_final(timeframe: str, now: datetime) -> datetime:
    """The opening time of the newest bar that the feed serves at `now` of a symbol that always trades."""
    shown = final_until(timeframe, now)
    if Timeframe(timeframe).is_dated:
        return sessions.daily_time(sessions.previous_close(shown).astimezone(sessions.NEW_YORK).date())
    length = timedelta(minutes=Timeframe(timeframe).minutes)
    if sessions.is_open(shown):
        opened = sessions.session_open(shown.astimezone(sessions.NEW_YORK).date())
        if shown - opened >= length:
            return opened + ((shown - opened) // length - 1) * length
    return sessions.previous_close(shown) - length


def close_of(opened: datetime, timeframe: str) -> datetime:
    """When the bar that opens then closes."""
    return to_datetime(bar_close(np.array([to_datetime64(opened)]), timeframe)[0])


def pause_after(failure: FeedFailed, failures: int) -> timedelta:
    usual = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)
    return timedelta(seconds=max(failure.wait, KEYS_PAUSE if failure.keys else usual))


@dataclass(slots=True)
class _Turn:
    """added: the symbols with new bars. newest: the latest close among them. cut: there was no time for all."""

    timeframe: str
    clock: Clock
    added: set[str] = field(default_factory=set)
    newest: datetime | None = None
    stored_at: datetime | None = None
    cut: bool = False
    refused: list[str] = field(default_factory=list)
    _last: dict[str, datetime] = field(default_factory=dict)
    _prompt: set[str] = field(default_factory=set)

    def ask(self, feed: AlpacaFeed, rows: Iterable[BarSeries]) -> None:
        """Ask for all series that are nearly up to date in one request, then for the others: one that has been
        silent for long must not make the request for all of them long. Raises FeedFailed."""
        begun = self.clock()
        keys = {row.symbol: key_of(row) for row in rows}
        self._last = {row.symbol: row.last for row in rows}
        dated = Timeframe(self.timeframe).is_dated
        far = sessions.closes_before(begun, FAR_BEHIND_DAYS if dated else FAR_BEHIND)
        near = {symbol for symbol, last in self._last.items() if last >= far}
        recent = last_final(self.timeframe, begun - self._repeated()) - self._repeated()
        self._prompt = {symbol for symbol, last in self._last.items() if last >= recent}
        for symbols in (self._prompt, near - self._prompt, self._last.keys() - near - self._prompt):
            if not symbols:
                continue
            start = min(self._last[symbol] for symbol in symbols) - self._repeated()
            asked, bad = self.clock(), list[str]()
            for page in feed.pages(symbols, Timeframe(self.timeframe), start, asked, asked, bad):
                self._compare_clocks(feed.server_time)
                for symbol, bars in page.items():
                    self._store(keys[symbol], bars)
                if (self.clock() - begun).total_seconds() > TURN_SECONDS:
                    self.cut = True
                    return
            self.refused += [f"{symbol}: Alpaca does not accept this symbol." for symbol in bad]

    def _compare_clocks(self, server: datetime | None) -> None:
        ahead = 0.0 if server is None else (self.clock() - server).total_seconds()
        if ahead > AHEAD and not any(AHEAD_TEXT in text for text in self.refused):
            self.refused.append(f"{AHEAD_TEXT} {ahead:,.0f} s ahead of Alpaca's: bars come later. Set it by NTP.")

    def is_waiting(self, now: datetime) -> bool:
        """Whether a series that was up to date has not got the newest bar that is final."""
        due = last_final(self.timeframe, now)
        return any(self._last[symbol] < due for symbol in self._prompt)

    def _repeated(self) -> timedelta:
        """So far back, at least REPEATED bars are asked for again, over a weekend too."""
        if Timeframe(self.timeframe).is_dated:
            return timedelta(days=REPEATED + 5)
        return timedelta(minutes=REPEATED * Timeframe(self.timeframe).minutes)

    def _store(self, key: SeriesKey, bars: Bars) -> None:
        """What is wrong with one series stops no other."""
        try:
            delivered = _delivered(key, bars, self.clock)
        except (ImportRefused, InvalidBars) as refusal:
            self.refused.append(f"{key.symbol}: {refusal}")
            return
        except OSError as unreadable:
            log.exception("Bars of %s could not be stored", key.symbol)
            self.refused.append(f"{key.symbol}: its bars cannot be read or written: {unreadable!r}")
            return
        if delivered.reload:
            job = queue_replacement(key, delivered.reload, self.clock())
            failed = f", which failed: {job.error}" if job and job.error else "."
            self.refused.append(f"{key.symbol}: {delivered.reload}. Its history is downloaded again{failed}")
            return
        if not len(bars):
            return
        self._last[key.symbol] = max(self._last[key.symbol], to_datetime(bars.time[-1]))
        if delivered.added:
            self.added.add(key.symbol)
            close = close_of(to_datetime(bars.time[-1]), self.timeframe)
            if self.newest is None or close > self.newest:
                self.newest, self.stored_at = close, self.clock()


def _delivered(key: SeriesKey, bars: Bars, clock: Clock) -> Delivered:
    """Tried again once: a download may have changed the series in between."""
    try:
        return deliver(key, bars, now=clock())
    except ImportRefused:
        return deliver(key, bars, now=clock())
