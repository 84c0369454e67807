"""The headline figures of a result: label, name and format of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backtests.models import Backtest
from tradedesk.core.metrics import YEARLY

Value = float | int | None


@dataclass(frozen=True, slots=True)
class Figure:
    """name: the key in Backtest.metrics. format: a key of templatetags.results.FORMATS. has_benchmark: buy and
    hold has this figure, too."""

    label: str
    name: str
    format: str
    has_benchmark: bool = True

    @property
    def is_yearly(self) -> bool:
        """Whether a period below metrics.LEAST_YEARLY_DAYS does not have this figure."""
        return self.name in YEARLY


HEADLINE_METRICS = (
    Figure("Total return", "total_return", "signed percent"),
    Figure("CAGR", "cagr", "signed percent"),
    Figure("Sharpe ratio", "sharpe", "ratio"),
    Figure("Sortino ratio", "sortino", "ratio"),
    Figure("Calmar ratio", "calmar", "ratio"),
    Figure("Max drawdown", "max_drawdown", "percent"),
    Figure("Longest drawdown", "max_drawdown_days", "days"),
    Figure("Time in market", "exposure", "percent"),
    Figure("Final equity", "final_equity", "money"),
    Figure("Closed trades", "trades", "number", has_benchmark=False),
    Figure("Win rate", "win_rate", "percent", has_benchmark=False),
    Figure("Profit factor", "profit_factor", "ratio", has_benchmark=False),
    Figure("Expectancy per trade", "expectancy", "signed money", has_benchmark=False),
    Figure("Mean R-multiple", "mean_r_multiple", "ratio", has_benchmark=False),
    Figure("Alpha per year", "alpha", "signed percent", has_benchmark=False),
    Figure("Beta", "beta", "ratio", has_benchmark=False),
)


def headline_of(backtest: Backtest) -> list[tuple[Figure, tuple[Value, Value, Value]]]:
    """Each figure with its values for the run, for buy and hold and for the run at higher costs; None if
    missing."""
    return [
        (
            figure,
            (
                _value(backtest.metrics, figure),
                _value(backtest.buy_and_hold, figure) if figure.has_benchmark else None,
                _value(backtest.doubled_costs, figure),
            ),
        )
        for figure in HEADLINE_METRICS
    ]


def _value(metrics: Mapping[str, Any], figure: Figure) -> Value:
    value: Value = metrics.get(figure.name)
    return value
