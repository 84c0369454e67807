"""The engine: bars and signals by symbol in, the result of trading them out. The loop itself is kernel.trading."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from backtests.kernel import STILL_OPEN, Terms, in_order_of_sale, trade
from backtests.meter import Meter, Stopped
from backtests.panel import Panel, make_panel
from backtests.results import Result
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.money import round_money
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals


def run(
    bars: Mapping[str, Bars],
    signals: Mapping[str, Signals],
    *,
    capital: float,
    rules: RiskRules,
    costs: Costs,
    start: datetime | None = None,
) -> Result:
    """Trade `signals` over `bars` with `capital` dollars.

    bars: by symbol, valid (core.bars.validate). signals: by symbol, as long as the symbol's bars. start: the
    first moment of a decision and of the equity curve; what lies before it only warmed the indicators up.
    Raises ValueError for capital that is not positive and for signals that do not fit the bars.
    """
    return run_on(make_panel(bars), signals, capital=capital, rules=rules, costs=costs, start=start)


def run_on(
    panel: Panel,
    signals: Mapping[str, Signals],
    *,
    capital: float,
    rules: RiskRules,
    costs: Costs,
    start: datetime | None = None,
    meter: Meter | None = None,
) -> Result:
    """`run` on a panel that was made before, for many runs over the same bars.

    meter: told how far the run is. Raises Stopped when it was asked to stop before the last row.
    """
    if not 0.0 < capital < np.inf:
        raise ValueError(f"The capital must be a positive amount, not {capital}.")
    side, strength = decisions(panel, signals)
    first = panel.row_of(start)
    meter = meter or Meter()
    meter.rows = len(panel.time) - first
    equity = np.empty(meter.rows)
    cash, lots, exposed = trade(
        *panel.prices(first),
        panel.session[first:],
        side[first:],
        strength[first:],
        round_money(capital),
        terms(rules, costs),
        meter.cells,
        equity,
    )
    if meter.done < meter.rows:
        raise Stopped(f"Stopped after {meter.done:,} of {meter.rows:,} rows.")
    return Result(
        time=panel.time[first:],
        equity=equity,
        cash=cash,
        closed=lots[in_order_of_sale(lots)],
        held=lots[lots["exit_row"] == STILL_OPEN],
        exposure=exposed / len(equity) if len(equity) else 0.0,
        symbols=panel.symbols,
        marks=panel.mark[-1] if len(equity) else np.zeros(len(panel.symbols)),
    )


def terms(rules: RiskRules, costs: Costs) -> Terms:
    """The kernel's view of the rules and the costs."""
    return Terms(
        position_size_pct=float(rules.position_size_pct),
        max_positions=int(rules.max_positions),
        max_position_size=_or_infinity(rules.max_position_size),
        stop_loss_pct=float(rules.stop_loss_pct),
        take_profit_pct=_or_infinity(rules.take_profit_pct),
        signal_threshold=float(rules.signal_threshold),
        daily_loss_limit=_or_infinity(rules.daily_loss_limit),
        max_drawdown_pct=_or_infinity(rules.max_drawdown_pct),
        fractional=bool(rules.fractional),
        per_order=float(costs.commission_per_order),
        per_share=float(costs.commission_per_share),
        bps=float(costs.commission_bps),
        slippage_bps=float(costs.slippage_bps),
    )


def decisions(panel: Panel, signals: Mapping[str, Signals]) -> tuple[NDArray[np.int8], Floats]:
    """side and strength on the panel, (n, s). Raises ValueError for signals that do not fit the bars."""
    ordered = [signals[symbol] for symbol in panel.symbols]
    for symbol, count, given in zip(panel.symbols, panel.counts, ordered, strict=True):
        if not len(given.side) == len(given.strength) == count:
            raise ValueError(
                f"{symbol} has {count} bars, but {len(given.side)} sides and {len(given.strength)} strengths."
            )
    side = panel.spread([given.side for given in ordered], 0)
    strength = panel.spread([given.strength for given in ordered], 0.0)
    if np.isnan(strength.min(initial=0.0)):  # one NaN makes the minimum NaN
        for symbol, given in zip(panel.symbols, ordered, strict=True):
            if np.isnan(given.strength).any():
                row = int(np.isnan(given.strength).argmax())
                raise ValueError(f"{symbol}: the strength of row {row} is missing.")
    return side, strength


def _or_infinity(limit: float | None) -> float:
    return np.inf if limit is None else float(limit)
