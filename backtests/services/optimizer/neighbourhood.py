"""The neighbourhood of a search's best rows: what it scores, so that a plateau can be told from a peak."""

import numpy as np
from numpy.typing import NDArray

from backtests.models import Candidate, OptimizerRun
from backtests.research.optimizer.objectives import Objective, eligible, scores
from backtests.research.optimizer.sampling import Batch
from backtests.research.optimizer.sweep import sweep
from backtests.research.robustness.neighbours import neighbours_of
from backtests.services.optimizer.candidates import ranked
from backtests.services.optimizer.create import grid_of
from backtests.services.optimizer.result_shards import JUDGED, read_results
from backtests.services.optimizer.universes import scenario_of
from strategies.kinds import kinds

# Combinations that the search itself did not try and that are tried for this, those around the best rows first.
MAX_TRIED = 4_000


def score_neighbours(run: OptimizerRun, universe: str) -> None:
    """Keep with each row of a completed search the median score of the combinations one step around it.

    Scores are those of the sessions that the search saw; what may not stand first does not count. A row around
    which nothing has a score keeps none. Raises what reading the results and the bars raises.
    """
    kind, grid = kinds()[run.kind], grid_of(run)
    rows = list(ranked(run, universe))
    near = [neighbours_of(kind, grid, row.number) for row in rows]
    wanted = {number: combination for those in near for number, combination in those}
    known = _found_by_the_search(run, universe, np.array(list(wanted), np.int64))
    untried = [each for each in wanted.items() if each[0] not in known]
    known |= _tried_now(run, universe, untried[:MAX_TRIED])
    for row, those in zip(rows, near, strict=True):
        found = [known[number] for number, _ in those if np.isfinite(known.get(number, np.nan))]
        row.neighbours = float(np.median(found)) if found else None
    Candidate.objects.bulk_update(rows, ["neighbours"])


def _found_by_the_search(run: OptimizerRun, universe: str, wanted: NDArray[np.int64]) -> dict[int, float]:
    """The scores of those numbers that were tried, NaN for those that may not stand first."""
    table = read_results(run.results_path, JUDGED, universe)
    found = {name: table.column(name).to_numpy() for name in JUDGED}
    found = {name: values[np.isin(found["number"], wanted)] for name, values in found.items()}
    counting = np.where(eligible(found, found["score"], run.min_trades), found["score"], np.nan)
    return dict(zip(found["number"].tolist(), counting.tolist(), strict=True))


def _tried_now(run: OptimizerRun, universe: str, untried: Batch) -> dict[int, float]:
    if not untried:
        return {}
    figures = sweep(scenario_of(run, universe), kinds()[run.kind], [combination for _, combination in untried])
    found = scores(figures, Objective(run.objective), run.weights)
    counting = np.where(eligible(figures, found, run.min_trades), found, np.nan)
    return dict(zip([number for number, _ in untried], counting.tolist(), strict=True))
