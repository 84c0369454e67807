"""Completed backtests side by side: figures with the best one marked, and what they were run with."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from backtests.lists.selection import InvalidSelection
from backtests.models import Backtest
from backtests.provenance import differences
from backtests.reports.buy_signals import FILLED
from backtests.reports.headline import HEADLINE_METRICS, Figure, Value
from backtests.reports.labels import Labelled, labelled_parameters, labelled_setup

MIN_BACKTESTS, MAX_BACKTESTS = 2, 4
BUY_AND_HOLD = Figure("Buy and hold", "buy_and_hold_return", "signed percent")
# How to find the best value of a figure; a figure that is neither good nor bad is left out.
BEST_OF = {
    "total_return": max,
    "cagr": max,
    "sharpe": max,
    "sortino": max,
    "calmar": max,
    "max_drawdown": min,
    "max_drawdown_days": min,
    "final_equity": max,
    "win_rate": max,
    "profit_factor": max,
    "expectancy": max,
    "mean_r_multiple": max,
    "alpha": max,
}
# Figures that grow with the length of the period, and figures that grow with the capital.
GROW_WITH_PERIOD = {"total_return", "final_equity", "max_drawdown_days"}
GROW_WITH_CAPITAL = {"final_equity", "expectancy"}

PERIODS_DIFFER = (
    "The periods differ. Figures that grow with time, such as the total return, are not compared. Yearly figures "
    "are, but market conditions differ between the periods."
)
CAPITAL_DIFFERS = "The capital differs, so figures in dollars are not compared."
ORIGINS_DIFFER = "The backtests ran on different inputs: {differences} changed between the runs."


@dataclass(frozen=True, slots=True)
class FigureRow:
    """cells: the figure of each backtest, whether it is the best, and its days for a figure per year. No value is
    the best if all are equal."""

    figure: Figure
    cells: list[tuple[Value, bool, int | None]]


@dataclass(frozen=True, slots=True)
class SetupRow:
    """values: one parameter, rule or cost of each backtest, None for a backtest without it."""

    label: str
    values: list[str | None]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """notes: limits of the comparison."""

    backtests: list[Backtest]
    figures: list[FigureRow]
    setup: list[SetupRow]
    notes: list[str]

    @property
    def differing(self) -> int:
        return sum(row.differs for row in self.setup)


def check_comparable(backtests: Sequence[Backtest]) -> None:
    """Raises InvalidSelection for too few or too many backtests, and for one that is not completed."""
    if not MIN_BACKTESTS <= len(backtests) <= MAX_BACKTESTS:
        raise InvalidSelection(
            f"Select {MIN_BACKTESTS} to {MAX_BACKTESTS} backtests to compare, not {len(backtests)}."
        )
    for backtest in backtests:
        if backtest.status != Backtest.Status.COMPLETED:
            state = backtest.get_status_display().lower()
            raise InvalidSelection(
                f"Backtest {backtest.pk} ({backtest}) is {state}. Only completed backtests can be compared."
            )


def comparison_of(backtests: Sequence[Backtest]) -> Comparison:
    """Raises InvalidSelection. No query."""
    check_comparable(backtests)
    periods = {(each.start_date, each.end_date) for each in backtests}
    capitals = {each.initial_capital for each in backtests}
    not_comparable = (GROW_WITH_PERIOD if len(periods) > 1 else set()) | (
        GROW_WITH_CAPITAL if len(capitals) > 1 else set()
    )
    notes = [PERIODS_DIFFER] if len(periods) > 1 else []
    notes += [CAPITAL_DIFFERS] if len(capitals) > 1 else []
    if origins := _differing_origins(backtests):
        notes.append(ORIGINS_DIFFER.format(differences=", ".join(origins)))
    first, *others = HEADLINE_METRICS
    figures = [
        _figure_row(figure, backtests, comparable=figure.name not in not_comparable)
        for figure in (first, BUY_AND_HOLD, *others)
    ]
    return Comparison(list(backtests), figures + _signal_rows(backtests), _setup_rows(backtests), notes)


def _figure_row(figure: Figure, backtests: Sequence[Backtest], *, comparable: bool) -> FigureRow:
    values: list[Value] = [backtest.metrics.get(figure.name) for backtest in backtests]
    known = [value for value in values if value is not None]
    best: Value = None
    if comparable and figure.name in BEST_OF and len(set(known)) > 1:
        best = BEST_OF[figure.name](known)
    days: list[int | None] = [backtest.metrics.get("days") if figure.is_yearly else None for backtest in backtests]
    return FigureRow(
        figure,
        [(value, value is not None and value == best, each) for value, each in zip(values, days, strict=True)],
    )


def _signal_rows(backtests: Sequence[Backtest]) -> list[FigureRow]:
    """How many BUY signals there were, and how many of them were filled."""
    counts = [backtest.buy_signals for backtest in backtests]
    totals: list[Value] = [sum(each.values()) if each else None for each in counts]
    filled: list[Value] = [each.get(FILLED) for each in counts]
    return [
        FigureRow(Figure(label, name, "number"), [(value, False, None) for value in values])
        for label, name, values in (
            ("Buy signals", "buy_signals", totals),
            ("Buy signals filled", "buy_signals_filled", filled),
        )
    ]


def _setup_rows(backtests: Sequence[Backtest]) -> list[SetupRow]:
    kinds = [backtest.kind_name for backtest in backtests]
    return [
        SetupRow("Strategy kind", [*kinds]),
        *_rows_of([labelled_parameters(backtest) for backtest in backtests]),
        *_rows_of([labelled_setup(backtest) for backtest in backtests]),
    ]


def _rows_of(labelled: Sequence[Labelled]) -> list[SetupRow]:
    """A row for each label that at least one backtest has."""
    labels = dict.fromkeys(label for each in labelled for label in each)
    return [SetupRow(label, [each.get(label) for each in labelled]) for label in labels]


def _differing_origins(backtests: Sequence[Backtest]) -> list[str]:
    """Code and bars that differ between any two backtests. A kind's code is compared only between backtests of
    the same kind, a symbol's bars only between backtests that both have the symbol, with the same timeframe and
    the same end: the recorded fingerprints are of the bars up to the end."""
    found: dict[str, None] = {}
    for first, second in combinations(backtests, 2):
        mine, theirs = first.provenance, dict(second.provenance)
        if first.kind != second.kind:
            theirs["kind_code"] = mine.get("kind_code")
        bars: dict[str, Any] = mine.get("data", {})
        same_end = (first.timeframe, first.end_date) == (second.timeframe, second.end_date)
        others = theirs.get("data", {}) if same_end else {}
        theirs["data"] = {symbol: others.get(symbol, own) for symbol, own in bars.items()}
        found |= dict.fromkeys(differences(mine, theirs))
    return list(found)
