"""The headline figures of a result as rows: what each is called and how it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backtests.models import Backtest

Value = float | int | None


@dataclass(frozen=True, slots=True)
class Figure:
    """name: in Backtest.metrics. form: a key of templatetags.results.FORMS. own: buying and holding has none."""

    label: str
    name: str
    form: str
    own: bool = False


FIGURES = (
    Figure("Total return", "total_return", "signed percent"),
    Figure("Return a year (CAGR)", "cagr", "signed percent"),
    Figure("Sharpe ratio", "sharpe", "ratio"),
    Figure("Sortino ratio", "sortino", "ratio"),
    Figure("Calmar ratio", "calmar", "ratio"),
    Figure("Max drawdown", "max_drawdown", "percent"),
    Figure("Peak to recovery", "max_drawdown_days", "days"),
    Figure("Time in the market", "exposure", "percent"),
    Figure("Final equity", "final_equity", "money"),
    Figure("Closed trades", "trades", "number", own=True),
    Figure("Win rate", "win_rate", "percent", own=True),
    Figure("Profit factor", "profit_factor", "ratio", own=True),
    Figure("Expectancy a trade", "expectancy", "signed money", own=True),
    Figure("Mean R-multiple", "mean_r_multiple", "ratio", own=True),
    Figure("Alpha a year", "alpha", "signed percent", own=True),
    Figure("Beta", "beta", "ratio", own=True),
)


def headline_of(backtest: Backtest) -> list[tuple[Figure, tuple[Value, Value, Value]]]:
    """Each figure of the run, of buying and holding, and of the run at higher costs; None where there is none."""
    return [
        (
            figure,
            (
                _of(backtest.metrics, figure),
                None if figure.own else _of(backtest.buy_and_hold, figure),
                _of(backtest.doubled_costs, figure),
            ),
        )
        for figure in FIGURES
    ]


def _of(metrics: Mapping[str, Any], figure: Figure) -> Value:
    value: Value = metrics.get(figure.name)
    return value
