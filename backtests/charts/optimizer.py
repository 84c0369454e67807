"""The charts of an optimizer run as the JSON that static/src/plots draws (docs/frontend.md).

"complete" is true for a completed search, whose charts cover all combinations; before that they cover the best
rows that are kept. Except in the histogram of all scores, a combination that is not ranked has no score. The
size of each chart is bounded: MAX_CELLS by MAX_CELLS cells, BINS bins or MAX_LINES lines.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backtests.models import OptimizerRun
from backtests.reports.leaderboard import parameter_labels
from backtests.reports.searched import has_yearly_figures, searched_period
from backtests.research.optimizer.heat_map import Axis, heat_map, sample_rows
from backtests.research.optimizer.objectives import Objective, eligible, label_of
from backtests.services.optimizer.candidates import MAX_CANDIDATES
from backtests.services.optimizer.finish import score_histogram
from backtests.services.optimizer.result_shards import ELIGIBILITY_COLUMNS, read_results
from strategies.kinds import Choice, Param, kinds
from tradedesk.core.bars import Floats

MAX_LINES = 300
BEST, MEDIAN = "best", "median"

# {name: (n,)}: parameters and score.
Columns = dict[str, Floats]


def heat_map_chart(run: OptimizerRun, universe: str, x: str, y: str, statistic: str) -> dict[str, Any]:
    """The best or the median score for each pair of values of two parameters.

    {"score", "format", "statistic", "of": number of combinations, "complete", "x", "y": {"name", "label", "ends":
    [[lowest, highest]]}, "cells": a row for each value of y, "counts": number of combinations with a score in each
    cell, "tried": number of all combinations that were tried}; a cell without a score is null.
    """
    labels = _axis_labels(run)
    columns, complete = _columns(run, universe, [x, y])
    plot = heat_map(columns[x], columns[y], columns["score"], best=statistic == BEST)
    return {
        **_score(run, universe),
        "statistic": statistic,
        "of": len(columns["score"]),
        "complete": complete,
        "x": _axis(x, labels[x], plot.x),
        "y": _axis(y, labels[y], plot.y),
        "cells": [_json_row(row) for row in plot.cells],
        "counts": plot.counts.tolist(),
        "tried": plot.tried.tolist(),
    }


def parallel_chart(run: OptimizerRun, universe: str) -> dict[str, Any]:
    """A sample of the combinations as lines across an axis for each parameter and one for the score.

    {"format", "of": number of combinations, "complete", "axes": [{"name", "label"}], "rows": a value for each
    axis}, the best row last.
    """
    labels = _axis_labels(run)
    columns, complete = _columns(run, universe, list(labels))
    sampled = sample_rows(columns["score"], MAX_LINES)
    axes = [{"name": name, "label": label} for name, label in labels.items()]
    score = _score(run, universe)
    return {
        "format": score["format"],
        "of": len(columns["score"]),
        "complete": complete,
        "axes": [*axes, {"name": "score", "label": score["score"]}],
        "rows": np.column_stack([columns[axis][sampled] for axis in (*labels, "score")]).tolist(),
    }


def histogram_chart(run: OptimizerRun, universe: str) -> dict[str, Any]:
    """{"score", "format", "complete", "edges": k + 1, "counts": k, "winner": the score of rank 1, or null}."""
    scores, complete = run.histograms.get(universe), True
    if not scores:
        columns, complete = _columns(run, universe, [])
        scores = score_histogram(columns["score"])
    best = run.candidates.filter(universe=universe, eligible=True).order_by("-score")
    winner = best.values_list("score", flat=True).first()
    return {**_score(run, universe), "complete": complete, **scores, "winner": winner}


def _columns(run: OptimizerRun, universe: str, names: Sequence[str]) -> tuple[Columns, bool]:
    """The columns, and whether they cover all combinations of the run."""
    wanted = [*dict.fromkeys(names), "score"]
    if run.results_path:
        try:
            table = read_results(run.results_path, list({*wanted, *ELIGIBILITY_COLUMNS}), universe)
        except FileNotFoundError:  # the file was deleted: the best rows are in the database
            pass
        else:
            columns = {name: table.column(name).to_numpy().astype(np.float64) for name in table.column_names}
            is_ranked = eligible(columns, columns["score"], run.min_trades)
            return {**columns, "score": np.where(is_ranked, columns["score"], np.nan)}, True
    rows = [
        (parameters, score if is_ranked else None)
        for parameters, score, is_ranked in run.candidates.filter(universe=universe).values_list(
            "parameters", "score", "eligible"
        )
    ]
    columns = {name: np.array([parameters[name] for parameters, _ in rows], np.float64) for name in wanted[:-1]}
    score = np.array([np.nan if score is None else score for _, score in rows], np.float64)
    return columns | {"score": score}, run.status == OptimizerRun.Status.COMPLETED and len(rows) < MAX_CANDIDATES


def _score(run: OptimizerRun, universe: str) -> dict[str, str]:
    """The name of the score, and whether it is written as a "ratio" or as a "percent"."""
    objective = Objective(run.objective)
    label = label_of(objective, yearly=has_yearly_figures(searched_period(run, universe)))
    return {"score": label, "format": "percent" if objective is Objective.CAGR else "ratio"}


def _axis_labels(run: OptimizerRun) -> dict[str, str]:
    """The labels of the axes, whose ticks are numbers: that of a choice says which number is which word."""
    labels, params = parameter_labels(run), kinds()[run.kind].params() if run.kind in kinds() else {}
    return {name: label + _words(params.get(name)) for name, label in labels.items()}


def _words(param: Param[Any] | None) -> str:
    if not isinstance(param, Choice):
        return ""
    return f" ({', '.join(f'{place} {word}' for place, word in enumerate(param.words))})"


def _axis(name: str, label: str, axis: Axis) -> dict[str, Any]:
    return {"name": name, "label": label, "ends": axis.ends.tolist()}


def _json_row(row: Floats) -> list[float | None]:
    return [None if np.isnan(value) else value for value in row.tolist()]
