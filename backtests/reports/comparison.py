"""A comparison: completed backtests side by side, what differs between them, and which did best at what."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from backtests.lists.selection import NotSelected
from backtests.models import Backtest
from backtests.provenance import differences
from backtests.reports.headline import FIGURES, Figure, Value
from backtests.reports.labels import Labelled, labelled_parameters, labelled_setup

LEAST, MOST = 2, 4
HELD = Figure("Buy and hold", "buy_and_hold_return", "signed percent")
# Figures of which one is better than another, and whether more of it is.
BETTER = {
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
# Those that grow with the length of the period, and those that grow with the capital.
OF_THE_PERIOD = {"total_return", "final_equity", "max_drawdown_days"}
OF_THE_CAPITAL = {"final_equity", "expectancy"}

PERIODS_DIFFER = (
    "The periods differ. What grows with time, like the total return, is not set against each other; figures a "
    "year are, but not every year was as easy."
)
CAPITAL_DIFFERS = "The capital differs, so figures in dollars are not set against each other."
MADE_FROM_OTHERS = "Not all of them were made from the same: {differences} changed in between."


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure of each backtest, and whether it is the best; none is when nothing can be said."""

    figure: Figure
    cells: list[tuple[Value, bool]]


@dataclass(frozen=True, slots=True)
class SetupRow:
    """What each backtest was run with, None where it has no such term."""

    label: str
    values: list[str | None]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """notes: what to mind when the figures are set against each other."""

    backtests: list[Backtest]
    figures: list[FigureRow]
    setup: list[SetupRow]
    notes: list[str]

    @property
    def differing(self) -> int:
        return sum(row.differs for row in self.setup)


def check_comparable(backtests: Sequence[Backtest]) -> None:
    """Raises NotSelected for too few, too many, and one that is not completed."""
    if not LEAST <= len(backtests) <= MOST:
        raise NotSelected(f"Choose {LEAST} to {MOST} backtests to compare, not {len(backtests)}.")
    for backtest in backtests:
        if backtest.status != Backtest.Status.COMPLETED:
            state = backtest.get_status_display().lower()
            raise NotSelected(
                f"Backtest {backtest.pk} ({backtest}) is {state}. Only completed backtests can be compared."
            )


def compare(backtests: Sequence[Backtest]) -> Comparison:
    """Raises NotSelected. No query."""
    check_comparable(backtests)
    periods = {(each.start_date, each.end_date) for each in backtests}
    capitals = {each.initial_capital for each in backtests}
    unlike = (OF_THE_PERIOD if len(periods) > 1 else set()) | (OF_THE_CAPITAL if len(capitals) > 1 else set())
    notes = [PERIODS_DIFFER] if len(periods) > 1 else []
    notes += [CAPITAL_DIFFERS] if len(capitals) > 1 else []
    if origins := _other_origins(backtests):
        notes.append(MADE_FROM_OTHERS.format(differences=", ".join(origins)))
    first, *others = FIGURES
    figures = [
        _figure_row(figure, backtests, comparable=figure.name not in unlike) for figure in (first, HELD, *others)
    ]
    return Comparison(list(backtests), figures, _setup_rows(backtests), notes)


def _figure_row(figure: Figure, backtests: Sequence[Backtest], *, comparable: bool) -> FigureRow:
    values: list[Value] = [backtest.metrics.get(figure.name) for backtest in backtests]
    known = [value for value in values if value is not None]
    best: Value = None
    if comparable and figure.name in BETTER and len(set(known)) > 1:
        best = BETTER[figure.name](known)
    return FigureRow(figure, [(value, value is not None and value == best) for value in values])


def _setup_rows(backtests: Sequence[Backtest]) -> list[SetupRow]:
    kinds = [backtest.kind_name for backtest in backtests]
    return [
        SetupRow("Strategy kind", [*kinds]),
        *_rows_of([labelled_parameters(backtest) for backtest in backtests]),
        *_rows_of([labelled_setup(backtest) for backtest in backtests]),
    ]


def _rows_of(labelled: Sequence[Labelled]) -> list[SetupRow]:
    """Every term that any of them has."""
    labels = dict.fromkeys(label for each in labelled for label in each)
    return [SetupRow(label, [each.get(label) for each in labelled]) for label in labels]


def _other_origins(backtests: Sequence[Backtest]) -> list[str]:
    """What two of them should have been made from alike, and were not: a kind's code counts where they are of the
    same kind, a symbol's bars where both have the symbol."""
    found: dict[str, None] = {}
    for first, second in combinations(backtests, 2):
        mine, theirs = first.provenance, dict(second.provenance)
        if first.kind != second.kind:
            theirs["kind_code"] = mine.get("kind_code")
        bars: dict[str, Any] = mine.get("data", {})
        theirs["data"] = {symbol: theirs.get("data", {}).get(symbol, own) for symbol, own in bars.items()}
        found |= dict.fromkeys(differences(mine, theirs))
    return list(found)
