"""Simulation: a strategy kind over bars, from the signals to the figures, beside buying and holding them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from backtests.engine.price_matrix import PriceMatrix, make_price_matrix
from backtests.engine.progress import Progress
from backtests.engine.results import Result
from backtests.engine.run import run_on
from strategies.kinds.base import Kind
from tradedesk.core.bars import Bars, InvalidBars, validate
from tradedesk.core.metrics import Metrics, Sessions, measure
from tradedesk.core.rules import FULLY_INVESTED, Costs, RiskRules
from tradedesk.core.signals import Side, Signals

# Who buys and holds does not sell; the rules want a stop, so it stands as far off as they let it.
WIDEST_STOP = 0.99


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """signals: by symbol, aligned with the bars up to the end, the history before the start included. result: what
    they traded. benchmark: the same symbols bought and held. metrics: of the result, against the benchmark."""

    signals: dict[str, Signals]
    result: Result
    benchmark: Result
    metrics: Metrics


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """What every simulation over the same bars and rules shares; made once by `prepare`, used many times."""

    bars: dict[str, Bars]
    matrix: PriceMatrix
    capital: float
    rules: RiskRules
    costs: Costs
    start: datetime | None
    benchmark: Result
    sessions: Sessions  # of the benchmark's rows, and so of every result's

    def simulate(self, kind: Kind) -> Simulation:
        """The kind's own signals, traded and measured."""
        return self.evaluate(kind.signals_by_symbol(self.bars))

    def evaluate(self, signals: dict[str, Signals], progress: Progress | None = None) -> Simulation:
        """Signals that are already there, traded and measured.

        progress: for another thread, which reads from it how far the run is and can ask it to stop; the run then
        raises Stopped.
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

    Bars before the start warm the indicators up and are never traded. Symbols without a bar up to the end take no
    part. Raises InvalidBars naming symbol and row, and ValueError for a start after the end or no capital.
    """
    return prepare(bars, capital=capital, rules=rules, costs=costs, start=start, end=end).simulate(kind)


def prepare(
    bars: Mapping[str, Bars],
    *,
    capital: float,
    rules: RiskRules,
    costs: Costs,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Scenario:
    """The scenario for `simulate` and for the many simulations of an optimizer; takes and raises the same."""
    if start is not None and end is not None and start > end:
        raise ValueError("The start lies after the end.")
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
    """All symbols of the matrix bought in equal parts at the open after their first close, and kept.

    Of the rules only `fractional` counts: the parts are 0.95 / s of the equity for s symbols, and nothing sells.
    """
    symbols = len(matrix.symbols)
    held = RiskRules(
        position_size_pct=max(FULLY_INVESTED / max(symbols, 1), 0.001),
        max_positions=max(symbols, 1),
        stop_loss_pct=WIDEST_STOP,
        signal_threshold=0.0,
        fractional=rules.fractional,
    )
    signals = {
        symbol: Signals(np.full(count, Side.BUY, np.int8), np.ones(count))
        for symbol, count in zip(matrix.symbols, matrix.counts, strict=True)
    }
    return run_on(matrix, signals, capital=capital, rules=held, costs=costs, start=start)
