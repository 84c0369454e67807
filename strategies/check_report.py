"""What a strategy's page shows about its rules on real bars: both checks and the latest signals."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import numpy as np
from django.core.cache import cache

from strategies.checks import Check, check_no_look_ahead, check_warmup
from strategies.kinds import Kind, code_hash
from strategies.models import Strategy
from tradedesk.core.bars import Bars, to_datetime
from tradedesk.core.signals import Side
from tradedesk.marketdata.library import closed_bars, find_series
from tradedesk.marketdata.store import fingerprint_of

# Enough for hundreds of signals, few enough to check while a page loads; the memory of the kind is added.
BARS = 2500
# Fixed, so that the random test points, and with them the page, stay the same.
SEED = 7
KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class LatestSignal:
    """One BUY or SELL, at the close of the bar that opened at `time`."""

    side: str
    time: datetime
    explanation: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Both checks on the bars of one symbol from `first` to `last`, and its latest BUY and SELL."""

    symbol: str
    first: datetime
    last: datetime
    no_look_ahead: Check
    warmup: Check
    latest_signals: list[LatestSignal]


def check_report_of(strategy: Strategy, now: datetime) -> CheckReport | None:
    """The report on the last bars, closed at `now`, of the first symbol that has any; None when none has.

    It takes seconds of CPU, so it is kept as long as code, parameters and bars are the same.

    Raises InvalidParameters for a strategy whose kind or parameters are no longer valid.
    """
    kind = strategy.make_kind()
    series = find_series(strategy.user_id, strategy.symbols, strategy.timeframe)
    symbol = next((symbol for symbol in strategy.symbols if symbol in series), None)
    if symbol is None:
        return None
    bars = closed_bars(strategy.user_id, symbol, strategy.timeframe, now, BARS + kind.memory())
    if not len(bars):
        return None
    key = _key(kind, symbol, bars)
    if isinstance(kept := cache.get(key), CheckReport):
        return kept
    report = CheckReport(
        symbol=symbol,
        first=to_datetime(bars.time[0]),
        last=to_datetime(bars.time[-1]),
        no_look_ahead=check_no_look_ahead(kind, bars, SEED),
        warmup=check_warmup(kind, bars, SEED),
        latest_signals=_latest_signals(kind, symbol, bars),
    )
    cache.set(key, report, KEPT_SECONDS)
    return report


def _key(kind: Kind, symbol: str, bars: Bars) -> str:
    """Names everything that the report depends on."""
    parts = f"{code_hash(kind.key)} {sorted(kind.parameters.items())} {symbol} {fingerprint_of(bars)}"
    return f"check-report:{sha256(parts.encode()).hexdigest()}"


def _latest_signals(kind: Kind, symbol: str, bars: Bars) -> list[LatestSignal]:
    """The latest BUY and the latest SELL, the later one first."""
    signals = kind.signals_by_symbol({symbol: bars})[symbol]
    rows = [rows[-1] for side in (Side.BUY, Side.SELL) if len(rows := np.flatnonzero(signals.side == side))]
    return [
        LatestSignal(Side(signals.side[row]).name, to_datetime(bars.time[row]), kind.explain(signals, int(row)))
        for row in sorted(rows, reverse=True)
    ]
