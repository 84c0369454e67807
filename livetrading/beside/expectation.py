"""The trades that a live strategy was deployed with: those of its backtest, or of the row of its search."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from backtests.models import Candidate
from backtests.services.failures import READABLE
from backtests.services.optimizer.universes import require_unchanged, scenario_of
from livetrading.beside.cone import LEAST_TESTED, PastTrade, trade_returns
from livetrading.models import LiveStrategy
from tradedesk.core.bars import Bars, Floats, session_dates, to_datetime64
from tradedesk.marketdata.quotes import load_readable


class SourceTrade(NamedTuple):
    """exit_time: None while it was open at the end. return_fraction: after costs."""

    symbol: str
    entry_time: datetime
    exit_time: datetime | None
    entry_price: float
    return_fraction: float


class Expectation(NamedTuple):
    """problem: why nothing is expected, in words; then there are no trades to draw from."""

    trades: list[PastTrade]
    problem: str = ""


# Of a return.
PLACES = 6
NO_SOURCE = "It was deployed without a backtest, or that is deleted, so there is no expected range."


def kept_or_read(live: LiveStrategy, kept: list[Any]) -> Expectation:
    """What was kept of an earlier computation (`as_json`), otherwise from the source. So it stays what it was at
    the deployment when bars are corrected or the backtest is deleted."""
    if kept:
        return Expectation([PastTrade(entry, np.array(returns, np.float64)) for entry, returns in kept])
    return read_expectation(live)


def as_json(expectation: Expectation) -> list[Any]:
    """For Comparison.expected."""
    return [[trade.entry, trade.returns.round(PLACES).tolist()] for trade in expectation.trades]


def read_expectation(live: LiveStrategy) -> Expectation:
    if live.backtest is not None:
        columns = ("symbol", "entry_time", "exit_time", "entry_price", "return_fraction")
        trades = [
            SourceTrade(symbol, bought, sold, float(paid), final)
            for symbol, bought, sold, paid, final in live.backtest.trades.values_list(*columns)
        ]
        bars = load_readable(live.user_id, {trade.symbol for trade in trades}, live.timeframe)
        return expected_of(trades, bars, *live.backtest.period)
    if live.candidate is not None:
        try:
            return _of_candidate(live.candidate)
        except READABLE as error:
            return Expectation([], f"The tested trades cannot be repeated: {error}"[:300])
    return Expectation([], NO_SOURCE)


def expected_of(
    trades: Iterable[SourceTrade], bars: dict[str, Bars], start: datetime, end: datetime
) -> Expectation:
    """The trades on the sessions of the tested period, in which any of the symbols has a bar."""
    found = list(trades)
    if len(found) < LEAST_TESTED:
        text = f"The backtest made {len(found)} trades; an expected range needs {LEAST_TESTED}."
        return Expectation([], text)
    period = {symbol: own.since(start).until(end) for symbol, own in bars.items()}
    if missing := {trade.symbol for trade in found} - {s for s, own in period.items() if len(own)}:
        return Expectation([], f"The tested bars of {', '.join(sorted(missing))} are not there any more.")
    days = np.unique(np.concatenate([session_dates(own.time) for own in period.values()]))
    closes = {symbol: _closes(own, days) for symbol, own in period.items()}

    def session_of(moment: datetime) -> int:
        day = session_dates(np.array([to_datetime64(moment)]))[0]
        return int(np.searchsorted(days, day, side="right")) - 1

    return Expectation([_tested(trade, closes[trade.symbol], session_of) for trade in found])


def _tested(trade: SourceTrade, closes: Floats, session_of: Callable[[datetime], int]) -> PastTrade:
    entry = session_of(trade.entry_time)
    last = len(closes) - 1 if trade.exit_time is None else session_of(trade.exit_time)
    returns = trade_returns(closes[entry:last], trade.entry_price, trade.return_fraction)
    # The first decision is made at the first close, so nothing is bought in the first session.
    return PastTrade(max(entry, 1), returns)


def _closes(bars: Bars, days: "np.typing.NDArray[np.datetime64]") -> Floats:
    """The last close of each of these days; NaN without one."""
    found = np.full(len(days), np.nan)
    found[np.searchsorted(days, session_dates(bars.time))] = bars.close  # of a day the last one stays
    return found


def _of_candidate(candidate: Candidate) -> Expectation:
    """The trades of the row over the whole period of its run."""
    require_unchanged(candidate.run, [candidate.kind])
    scenario = scenario_of(candidate.run, candidate.universe, whole=True)
    result = scenario.simulate(candidate.make_kind()).result
    trades = [
        SourceTrade(each.symbol, each.entry_time, each.exit_time, each.entry_price, each.return_fraction)
        for each in result.trades
    ] + [
        SourceTrade(
            each.symbol,
            each.entry_time,
            None,
            each.entry_price,
            each.unrealized_pnl / (each.quantity * each.entry_price),
        )
        for each in result.open_positions
    ]
    start = scenario.start or candidate.run.period[0]
    return expected_of(trades, scenario.bars, start, candidate.run.period[1])
