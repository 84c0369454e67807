"""Simulation: a strategy kind over bars, from its signals to the metrics, with buy and hold as the benchmark."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backtests.engine.price_matrix import PriceMatrix, make_price_matrix
from backtests.engine.progress import Progress
from backtests.engine.results import Result
from backtests.engine.run import full_strengths, run_matrices, run_on
from strategies.kinds.base import Kind
from tradedesk.core.bars import Bars, InvalidBars, read_only, validate
from tradedesk.core.metrics import Metrics, Sessions, measure
from tradedesk.core.risk import Refusal
from tradedesk.core.rules import FULLY_INVESTED, Costs, RiskRules
from tradedesk.core.signals import Side, Signals


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """signals: by symbol, one for each bar up to the end, the history before the start included. result: their
    trades and equity. benchmark: the same symbols bought and held. metrics: of the result, against the benchmark.
    """

    signals: dict[str, Signals]
    result: Result
    benchmark: Result
    metrics: Metrics


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """What all simulations over the same bars, rules and costs share; made once by `prepare_scenario`, used many
    times."""

    bars: dict[str, Bars]
    matrix: PriceMatrix
    capital: float
    rules: RiskRules
    costs: Costs
    start: datetime | None
    benchmark: Result
    sessions: Sessions  # of the benchmark's rows, which are those of every result

    @property
    def days(self) -> NDArray[np.int64]:
        """The day (k,) of each session, since 1970."""
        return self.sessions.number[self.sessions.ends]

    def simulate(self, kind: Kind) -> Simulation:
        """Compute the kind's signals, trade and measure them."""
        return self.evaluate(kind.signals_by_symbol(self.bars))

    def evaluate(self, signals: dict[str, Signals], progress: Progress | None = None) -> Simulation:
        """Trade and measure signals that are already computed.

        progress: lets another thread read how far the run is and stop it. A stopped run raises Stopped.
        """
        result = run_on(
            self.matrix,
            signals,
            capital=self.capital,
            rules=self.rules,
            costs=self.costs,
            start=self.start,
            progress=progress,
        )
        metrics = measure(
            result.time,
            result.equity,
            capital=self.capital,
            pnl=np.ascontiguousarray(result.closed["pnl"]),
            r_multiples=result.r_multiples,
            exposure=result.exposure,
            benchmark=self.benchmark.equity,
            sessions=self.sessions,
        )
        return Simulation(signals, result, self.benchmark, metrics)


def simulate(
    kind: Kind,
    bars: Mapping[str, Bars],
    *,
    capital: float,
    rules: RiskRules,
    costs: Costs,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Simulation:
    """Trade a kind over the bars that open from `start` to `end`, both included, None for no bound.

    Bars before the start only warm up the indicators. Symbols without a bar up to the end are left out. Raises
    InvalidBars with the symbol and the row, and ValueError for a start after the end or capital that is not
    positive.
    """
    return prepare_scenario(bars, capital=capital, rules=rules, costs=costs, start=start, end=end).simulate(kind)


def prepare_scenario(
    bars: Mapping[str, Bars],
    *,
    capital: float,
    rules: RiskRules,
    costs: Costs,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Scenario:
    """The scenario for many simulations, as an optimizer run needs it. Arguments and errors as in `simulate`."""
    if start is not None and end is not None and start > end:
        raise ValueError("The start is after the end.")
    for symbol in bars:
        try:
            validate(bars[symbol])
        except InvalidBars as error:
            raise InvalidBars(f"{symbol}: {error}") from None
    until_end = {symbol: own if end is None else own.until(end) for symbol, own in bars.items()}
    cut = {symbol: own for symbol, own in until_end.items() if len(own)}
    matrix = make_price_matrix(cut)
    benchmark = buy_and_hold(matrix, capital=capital, rules=rules, costs=costs, start=start)
    sessions = Sessions.from_numbers(matrix.session[matrix.row_of(start) :])
    return Scenario(cut, matrix, capital, rules, costs, start, benchmark, sessions)


def buy_and_hold(
    matrix: PriceMatrix, *, capital: float, rules: RiskRules, costs: Costs, start: datetime | None = None
) -> Result:
    """All symbols of the matrix bought at the open after their first close, and kept.

    Each of the s symbols gets 0.95 / s of the equity. Of the rules only `fractional` is used, and nothing is sold.
    A symbol that is bought ignores its other BUY signals, so a single one for each symbol mostly gives the result.
    """
    symbols = len(matrix.symbols)
    held = _rules_to_hold(symbols, rules.fractional)
    first = matrix.row_of(start)
    once = np.zeros((len(matrix.time) - first, symbols), np.int8)
    bars = asked = 0
    for place in range(symbols):
        own = matrix.rows_since(place, first)
        bars += len(own)
        if len(own):
            once[own[0] - first, place] = Side.BUY
            asked += 1
    bought = run_matrices(
        matrix, read_only(once), full_strengths(symbols), capital=capital, rules=held, costs=costs, first=first
    )
    if bought.outcomes[Refusal.NONE] + bought.outcomes[Refusal.NO_BAR] == asked:
        bought.outcomes[Refusal.HELD] = bars - asked
        return bought
    # Not every first BUY was filled, so later ones count.
    signals = {
        symbol: Signals(np.full(count, Side.BUY, np.int8))
        for symbol, count in zip(matrix.symbols, matrix.counts, strict=True)
    }
    return run_on(matrix, signals, capital=capital, rules=held, costs=costs, start=start)


@lru_cache(maxsize=16)
def _rules_to_hold(symbols: int, fractional: bool) -> RiskRules:
    return RiskRules(
        position_size_pct=max(FULLY_INVESTED / max(symbols, 1), 0.001),
        max_positions=max(symbols, 1),
        stop_loss_pct=None,
        signal_threshold=0.0,
        fractional=fractional,
    )
