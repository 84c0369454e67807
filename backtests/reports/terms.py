"""The terms of a backtest as rows: everything it was run with, each under a name and in words."""

from collections.abc import Callable
from typing import Any

from backtests.models import Backtest
from strategies.kinds import kinds
from tradedesk.templatetags.figures import money, percent, quantity

Terms = dict[str, str]
Words = Callable[[Any], str]
OFF = "Off"

RULES: dict[str, tuple[str, Words]] = {
    "position_size_pct": ("Position size", lambda value: f"{percent(value)} of equity"),
    "max_position_size": ("Position size, at most", money),
    "max_positions": ("Open positions, at most", quantity),
    "fractional": ("Shares", lambda value: "Fractional" if value else "Whole"),
    "stop_loss_pct": ("Stop loss", percent),
    "take_profit_pct": ("Take profit", percent),
    "signal_threshold": ("Signal threshold", quantity),
    "daily_loss_limit": ("Daily loss limit", money),
    "max_drawdown_pct": ("Drawdown limit", percent),
}
COSTS: dict[str, tuple[str, Words]] = {
    "commission_per_order": ("Commission per order", money),
    "commission_per_share": ("Commission per share", lambda value: f"${quantity(value)}"),
    "commission_bps": ("Commission", lambda value: f"{quantity(value)} bps"),
    "slippage_bps": ("Slippage", lambda value: f"{quantity(value)} bps"),
}


def parameters_of(backtest: Backtest) -> Terms:
    """In the words of its kind, as long as that is installed."""
    params = kinds()[backtest.kind].params() if backtest.kind in kinds() else {}
    return {
        params[name].label if name in params else name: quantity(value)
        for name, value in backtest.parameters.items()
    }


def terms_of(backtest: Backtest) -> Terms:
    """What it was run on, its rules and its costs, in the order in which a trader thinks of them."""
    return {
        "Symbols": ", ".join(backtest.symbols),
        "Timeframe": backtest.timeframe,
        "Dates": f"{backtest.start_date} to {backtest.end_date}",
        "Capital": money(backtest.initial_capital),
        **{label: _or_off(words, backtest.rules.get(name)) for name, (label, words) in RULES.items()},
        **{label: words(backtest.costs.get(name, 0.0)) for name, (label, words) in COSTS.items()},
    }


def _or_off(words: Words, value: Any) -> str:
    return OFF if value is None else words(value)
