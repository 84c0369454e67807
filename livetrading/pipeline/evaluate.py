"""Evaluate a live strategy on the bars that have closed since its last check."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from livetrading.models import LiveStrategy
from strategies.kinds import Kind
from tradedesk.core.bars import Bars, to_datetime, to_datetime64
from tradedesk.core.signals import Side, Signals
from tradedesk.marketdata.library import closed, load_available


@dataclass(frozen=True, slots=True)
class SignalEvent:
    """A BUY or SELL at the close of one bar. late: a newer bar has closed since."""

    symbol: str
    side: Side
    strength: float
    bar_time: datetime
    close: float
    explanation: str
    late: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """newest: time of the newest closed bar of any symbol, None when there is none. times, closes: time and close
    of the newest closed bar of each symbol. missing: symbols without bars."""

    newest: datetime | None
    times: dict[str, datetime]
    closes: dict[str, float]
    events: list[SignalEvent]
    missing: list[str]


def evaluate(live: LiveStrategy, now: datetime) -> Evaluation:
    """Run the strategy kind on its warm-up window, extended by the bars that no check has evaluated yet."""
    kind = live.make_kind()
    bars: dict[str, Bars] = {}
    new_bars: dict[str, int] = {}
    for symbol, history in load_available(live.symbols, live.timeframe).items():
        known = closed(history, live.timeframe, now)
        if len(known):
            new_bars[symbol] = _count_new_bars(known, live.last_evaluated(symbol))
            bars[symbol] = known[-(kind.warmup() + max(new_bars[symbol] - 1, 0)) :]
    signals = kind.signals_by_symbol(bars)
    times = {symbol: to_datetime(series.time[-1]) for symbol, series in bars.items()}
    newest = max(times.values(), default=None)
    events = [
        event
        for symbol in sorted(bars)
        for event in _signal_events(symbol, bars[symbol], signals[symbol], new_bars[symbol], newest, kind)
    ]
    return Evaluation(
        newest=newest,
        times=times,
        closes={symbol: float(series.close[-1]) for symbol, series in bars.items()},
        events=events,
        missing=[symbol for symbol in live.symbols if symbol not in bars],
    )


def _count_new_bars(known: Bars, last_evaluated: datetime | None) -> int:
    if last_evaluated is None:
        return 1
    return len(known) - int(np.searchsorted(known.time, to_datetime64(last_evaluated), side="right"))


def _signal_events(
    symbol: str, bars: Bars, signals: Signals, new_bars: int, newest: datetime | None, kind: Kind
) -> Iterator[SignalEvent]:
    for t in range(len(bars) - new_bars, len(bars)):
        if signals.side[t] == Side.HOLD:
            continue
        time = to_datetime(bars.time[t])
        yield SignalEvent(
            symbol=symbol,
            side=Side(int(signals.side[t])),
            strength=float(signals.strength[t]),
            bar_time=time,
            close=float(bars.close[t]),
            explanation=kind.explain(signals, t),
            late=time != newest,
        )
