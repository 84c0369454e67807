"""An optimizer run's charts as JSON, with the names that the page's scripts expect.

Of a search that is done from all of its combinations, else from the best ones that were kept: "complete" says
which. A combination with too few trades, or never in the market, counts as one without a score, but for the
histogram of all scores. Every answer is of a bounded size: at most MAX_CELLS by MAX_CELLS cells, BINS bins or
LINES lines.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backtests.models import OptimizerRun
from backtests.reports.leaderboard import parameter_labels
from backtests.research.optimizer.heat_map import Axis, heat_map, sample_rows
from backtests.research.optimizer.objectives import LABELS, Objective, eligible
from backtests.services.optimizer.candidates import MAX_CANDIDATES
from backtests.services.optimizer.finish import score_histogram
from backtests.services.optimizer.result_shards import ELIGIBILITY_COLUMNS, read_results
from tradedesk.core.bars import Floats

LINES = 300
BEST, MEDIAN = "best", "median"

# {name: (n,)}: the parameters, and the score.
Columns = dict[str, Floats]


def heat_map_chart(run: OptimizerRun, universe: str, x: str, y: str, statistic: str) -> dict[str, Any]:
    """The best or the median score over two of the parameters that the search varies.

    {"score", "statistic", "of": how many combinations, "complete", "x", "y": {"name", "label", "ends": [[least,
    greatest]]}, "cells": a row for each place of y, "counts": the same}; null for a cell without any.
    """
    labels = parameter_labels(run)
    columns, complete = _columns(run, universe, [x, y])
    found = heat_map(columns[x], columns[y], columns["score"], best=statistic == BEST)
    return {
        "score": LABELS[Objective(run.objective)],
        "statistic": statistic,
        "of": len(columns["score"]),
        "complete": complete,
        "x": _axis(x, labels[x], found.x),
        "y": _axis(y, labels[y], found.y),
        "cells": [_plain(row) for row in found.cells],
        "counts": found.counts.tolist(),
    }


def parallel_chart(run: OptimizerRun, universe: str) -> dict[str, Any]:
    """Combinations as lines across one axis for each parameter and one for the score.

    {"of", "complete", "axes": [{"name", "label"}], "rows": a value for each axis, the best row last}.
    """
    labels = parameter_labels(run)
    columns, complete = _columns(run, universe, list(labels))
    drawn = sample_rows(columns["score"], LINES)
    axes = [{"name": name, "label": label} for name, label in labels.items()]
    return {
        "of": len(columns["score"]),
        "complete": complete,
        "axes": [*axes, {"name": "score", "label": LABELS[Objective(run.objective)]}],
        "rows": np.column_stack([columns[axis][drawn] for axis in (*labels, "score")]).tolist(),
    }


def histogram_chart(run: OptimizerRun, universe: str) -> dict[str, Any]:
    """{"score", "complete", "edges": k + 1, "counts": k, "winner": the score of the first row, or null}."""
    found, complete = run.histograms.get(universe), True
    if not found:
        columns, complete = _columns(run, universe, [])
        found = score_histogram(columns["score"])
    first = (
        run.candidates.filter(universe=universe, eligible=True).order_by("-score").values_list("score", flat=True)
    )
    return {"score": LABELS[Objective(run.objective)], "complete": complete, **found, "winner": first.first()}


def _columns(run: OptimizerRun, universe: str, names: Sequence[str]) -> tuple[Columns, bool]:
    """The columns, and whether they are of every combination that the run tries."""
    wanted = [*dict.fromkeys(names), "score"]
    if run.results_path:
        try:
            table = read_results(run.results_path, list({*wanted, *ELIGIBILITY_COLUMNS}), universe)
        except FileNotFoundError:  # deleted by hand: the best rows are still there
            pass
        else:
            found = {name: table.column(name).to_numpy().astype(np.float64) for name in table.column_names}
            fit = eligible(found, found["score"], run.min_trades)
            return {**found, "score": np.where(fit, found["score"], np.nan)}, True
    rows = [
        (parameters, score if eligible else None)
        for parameters, score, eligible in run.candidates.filter(universe=universe).values_list(
            "parameters", "score", "eligible"
        )
    ]
    known = {name: np.array([parameters[name] for parameters, _ in rows], np.float64) for name in wanted[:-1]}
    score = np.array([np.nan if score is None else score for _, score in rows], np.float64)
    return known | {"score": score}, run.status == OptimizerRun.Status.COMPLETED and len(rows) < MAX_CANDIDATES


def _axis(name: str, label: str, axis: Axis) -> dict[str, Any]:
    return {"name": name, "label": label, "ends": axis.ends.tolist()}


def _plain(row: Floats) -> list[float | None]:
    return [None if np.isnan(value) else value for value in row.tolist()]
