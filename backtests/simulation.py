"""Simulation: a strategy kind over bars, from the signals to the figures, beside buying and holding them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from backtests.engine import run_on
from backtests.meter import Meter
from backtests.panel import Panel, make_panel
from backtests.results import Result
from strategies.kinds.base import Kind
from tradedesk.core.bars import Bars, InvalidBars, validate
from tradedesk.core.metrics import Metrics, Sessions, measure
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Side, Signals

FULLY_INVESTED = 0.95  # of the equity, over all symbols; the rest is left for gaps at the open and costs

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
    panel: Panel
    capital: float
    rules: RiskRules
    costs: Costs
    start: datetime | None
    benchmark: Result
    sessions: Sessions  # of the benchmark's rows, and so of every result's

    def simulate(self, kind: Kind) -> Simulation:
        """The kind's own signals, traded and measured."""
        return self.evaluate(kind.signals_by_symbol(self.bars))

    def evaluate(self, signals: dict[str, Signals], meter: Meter | None = None) -> Simulation:
        """Signals that are already there, traded and measured.

        meter: for another thread, which reads from it how far the run is and can ask it to stop; the run then
        raises Stopped.
        """
        result = run_on(
            self.panel,
            signals,
            capital=self.capital,
            rules=self.rules,
            costs=self.costs,
            start=self.start,
            meter=meter,
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
    panel = make_panel(cut)
    benchmark = buy_and_hold(panel, capital=capital, rules=rules, costs=costs, start=start)
    sessions = Sessions.of(panel.session[panel.row_of(start) :])
    return Scenario(cut, panel, capital, rules, costs, start, benchmark, sessions)


def buy_and_hold(
    panel: Panel, *, capital: float, rules: RiskRules, costs: Costs, start: datetime | None = None
) -> Result:
    """All symbols of the panel bought in equal parts at the open after their first close, and kept.

    Of the rules only `fractional` counts: the parts are 0.95 / s of the equity for s symbols, and nothing sells.
    """
    symbols = len(panel.symbols)
    held = RiskRules(
        position_size_pct=max(FULLY_INVESTED / max(symbols, 1), 0.001),
        max_positions=max(symbols, 1),
        stop_loss_pct=WIDEST_STOP,
        signal_threshold=0.0,
        fractional=rules.fractional,
    )
    signals = {
        symbol: Signals(np.full(count, Side.BUY, np.int8), np.ones(count))
        for symbol, count in zip(panel.symbols, panel.counts, strict=True)
    }
    return run_on(panel, signals, capital=capital, rules=held, costs=costs, start=start)


def fully_invested(symbols: int) -> dict[str, float]:
    """The size and the number of positions of a backtest that is not told otherwise: one position a symbol."""
    places = max(symbols, 1)
    return {"position_size_pct": FULLY_INVESTED / places, "max_positions": places}
