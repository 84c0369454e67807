"""Evaluate a set of live strategies on the bars that have closed since their last checks."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

import numpy as np

from livetrading.models import LiveStrategy
from livetrading.pipeline.explaining import explanation_at, indicators_at
from livetrading.pipeline.kind_code import RECORDED, kind_code, kind_of, signals_of
from livetrading.pipeline.validity import close_of, entry_valid_until, is_stale
from strategies.isolated import IsolatedKind, NoTurn
from strategies.kinds import Kind
from tradedesk.core.bars import Bars, Floats, to_datetime, to_datetime64
from tradedesk.core.signals import Side, Signals
from tradedesk.core.true_range import PERIODS, average_true_range
from tradedesk.marketdata.feed_state import failing_series
from tradedesk.marketdata.library import closed
from tradedesk.marketdata.quotes import Series, load_readable

AnyKind = Kind | IsolatedKind
_EMPTY: Floats = np.empty(0)
# Seconds of wall time after which a set runs no further kind of a plugin; far below the lease of its account.
SET_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class SignalEvent:
    """What a kind signals at the close of one bar, at `closed_at`: BUY, SELL or HOLD. late: an entry would come
    too late for the open that it is meant for. stale: the symbol should have a newer bar. feed_fails: its feed
    answers errors. true_range: the average true range at that close in dollars; NaN where no rule needs it, and
    with too few bars. indicators: the values of the kind's lines, by their names. seen: a hash of the bars that
    the kind may look at, up to this one."""

    symbol: str
    side: Side
    strength: float
    bar_time: datetime
    close: float
    explanation: str
    late: bool
    closed_at: datetime
    stale: bool = False
    feed_fails: bool = False
    true_range: float = math.nan
    indicators: Mapping[str, float] = field(default_factory=dict)
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """newest: time of the newest closed bar of any symbol, None when there is none. times, closes: time and close
    of the newest closed bar of each symbol. bars: what the kind signals at each new bar; HOLD only at the last
    RECORDED bars of a symbol. missing: symbols without readable bars. stale: symbols that should have a newer
    bar. failing: symbols whose feed answers errors. history: all closed bars of each symbol."""

    newest: datetime | None
    times: dict[str, datetime]
    closes: dict[str, float]
    bars: list[SignalEvent]
    missing: list[str]
    stale: frozenset[str] = frozenset()
    failing: frozenset[str] = frozenset()
    history: dict[str, Bars] = field(default_factory=dict)

    @property
    def events(self) -> list[SignalEvent]:
        """The BUYs and SELLs."""
        return [bar for bar in self.bars if bar.side is not Side.HOLD]


@dataclass(slots=True)
class _Window:
    """The bars of one symbol that a strategy is run on, and how many of them no check has evaluated yet.
    true_range: the average true range at each of these bars, empty where no rule needs it. memory: of the kind."""

    bars: Bars
    new_bars: int
    true_range: Floats
    memory: int


@dataclass(slots=True)
class _Signals:
    """The signals of a set: every kind runs once for the same parameters, symbols and windows."""

    kinds: dict[object, AnyKind] = field(default_factory=dict)
    computed: dict[object, dict[str, Signals]] = field(default_factory=dict)
    ends: float = field(default_factory=lambda: time.monotonic() + SET_SECONDS)

    def kind(self, live: LiveStrategy) -> AnyKind:
        """Raises NoTurn when the time for kinds of plugins is over."""
        key = (live.kind, tuple(sorted(live.parameters.items())))
        if key not in self.kinds:
            self.kinds[key] = kind_of(live)
        kind = self.kinds[key]
        if isinstance(kind, IsolatedKind):
            if time.monotonic() > self.ends:
                raise NoTurn
            kind.begin()
        return kind

    def of(self, kind: AnyKind, timeframe: str, windows: dict[str, _Window]) -> dict[str, Signals]:
        if kind.across_symbols:
            return self._run(kind, timeframe, windows)
        found: dict[str, Signals] = {}
        for symbol, window in windows.items():
            found |= self._run(kind, timeframe, {symbol: window})
        return found

    def _run(self, kind: AnyKind, timeframe: str, windows: dict[str, _Window]) -> dict[str, Signals]:
        new_bars = {symbol: window.new_bars for symbol, window in windows.items()}
        key = (kind, timeframe, tuple(new_bars.items()))
        if key not in self.computed:
            bars = {symbol: window.bars for symbol, window in windows.items()}
            self.computed[key] = signals_of(kind, bars, new_bars)
        return self.computed[key]


def evaluate(
    strategies: Iterable[LiveStrategy], now: datetime
) -> tuple[dict[int, Evaluation], dict[int, Exception]]:
    """The evaluations by the id of the strategy, and the errors of those that could not be evaluated.

    Bars are loaded once for each symbol, and a kind runs once for the same parameters and symbol, on the bars it
    remembers, extended by the bars that no check has evaluated yet. A strategy of a plugin that had no turn is in
    neither, and stays due.
    """
    members = list(strategies)
    bars = _closed_bars(members, now)
    failing = _failing(members)
    signals = _Signals()
    evaluations: dict[int, Evaluation] = {}
    errors: dict[int, Exception] = {}
    for live in members:
        try:
            evaluations[live.pk] = _evaluate(live, bars, signals, failing, now)
        except NoTurn:
            continue
        except Exception as error:  # a trader's own kind may raise anything
            errors[live.pk] = error
    return evaluations, errors


def _closed_bars(members: list[LiveStrategy], now: datetime) -> dict[Series, Bars]:
    """The closed bars that the user reads. Raises ValueError for strategies of several users."""
    users = {live.user_id for live in members}
    if len(users) > 1:
        raise ValueError("The strategies of one set are of one user.")
    symbols: dict[str, set[str]] = {}
    for live in members:
        symbols.setdefault(live.timeframe, set()).update(live.symbols)
    return {
        (symbol, timeframe): closed(history, timeframe, now)
        for user_id in users
        for timeframe, wanted in symbols.items()
        for symbol, history in load_readable(user_id, wanted, timeframe).items()
    }


def _failing(members: list[LiveStrategy]) -> set[Series]:
    """The symbols whose feed answers errors, with their timeframe."""
    wanted: dict[int, dict[str, set[str]]] = {}
    for live in members:
        wanted.setdefault(live.user_id, {}).setdefault(live.timeframe, set()).update(live.symbols)
    return {series for user_id, symbols in wanted.items() for series in failing_series(user_id, symbols)}


def _evaluate(
    live: LiveStrategy, bars: dict[Series, Bars], signals: _Signals, failing: set[Series], now: datetime
) -> Evaluation:
    kind = signals.kind(live)
    with kind_code():
        memory = kind.memory()
    windows: dict[str, _Window] = {}
    for symbol in live.symbols:
        known = bars.get((symbol, live.timeframe))
        if known is not None and len(known):
            new_bars = _count_new_bars(known, live.last_evaluated(symbol))
            window = known[-(memory + max(new_bars - 1, 0)) :]
            ranges = _EMPTY if live.trailing_stop_atr is None else _true_ranges(known, len(window))
            windows[symbol] = _Window(window, new_bars, ranges, memory)
    found = signals.of(kind, live.timeframe, windows)
    times = {symbol: to_datetime(window.bars.time[-1]) for symbol, window in windows.items()}
    stale = frozenset(symbol for symbol, newest in times.items() if is_stale(newest, live.timeframe, now))
    return Evaluation(
        newest=max(times.values(), default=None),
        times=times,
        closes={symbol: float(window.bars.close[-1]) for symbol, window in windows.items()},
        bars=[
            event
            for symbol in sorted(windows)
            for event in _events(
                _Case(symbol, live.timeframe, now, symbol in stale, (symbol, live.timeframe) in failing),
                windows[symbol],
                found[symbol],
                kind,
            )
        ],
        missing=[symbol for symbol in live.symbols if symbol not in windows],
        stale=stale,
        failing=frozenset(symbol for symbol in live.symbols if (symbol, live.timeframe) in failing),
        history={symbol: bars[symbol, live.timeframe] for symbol in windows},
    )


def _hash_of(bars: Bars) -> str:
    digest = blake2b(np.ascontiguousarray(bars.time).tobytes(), digest_size=8)
    for column in bars.values():
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def _true_ranges(known: Bars, count: int) -> Floats:
    """The average true range at the last `count` of these bars."""
    bars = known[-(count + PERIODS) :]
    return average_true_range(bars.high, bars.low, bars.close)[-count:]


def _count_new_bars(known: Bars, last_evaluated: datetime | None) -> int:
    if last_evaluated is None:
        return 1
    return len(known) - int(np.searchsorted(known.time, to_datetime64(last_evaluated), side="right"))


@dataclass(frozen=True, slots=True)
class _Case:
    """A symbol of a check at `now`. stale: it should have a newer bar. feed_fails: its feed answers errors."""

    symbol: str
    timeframe: str
    now: datetime
    stale: bool
    feed_fails: bool


def _events(case: _Case, window: _Window, signals: Signals, kind: AnyKind) -> Iterator[SignalEvent]:
    bars = window.bars
    for t in range(max(0, len(bars) - window.new_bars), len(bars)):
        side = Side(int(signals.side[t]))
        if side is Side.HOLD and t < len(bars) - RECORDED:
            continue
        bar_time = to_datetime(bars.time[t])
        closed_at = close_of(bar_time, case.timeframe)
        indicators = indicators_at(signals, t)
        with kind_code():
            explanation = explanation_at(kind, signals, t, indicators)
        yield SignalEvent(
            symbol=case.symbol,
            side=side,
            strength=float(signals.strength[t]),
            bar_time=bar_time,
            closed_at=closed_at,
            close=float(bars.close[t]),
            explanation=explanation,
            late=case.now > entry_valid_until(closed_at, case.timeframe),
            stale=case.stale,
            feed_fails=case.feed_fails,
            true_range=float(window.true_range[t]) if len(window.true_range) else math.nan,
            indicators=indicators,
            seen=_hash_of(bars[max(0, t + 1 - window.memory) : t + 1]),
        )
