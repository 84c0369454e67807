"""The scores around the candidates of a search, which distinguish a plateau from an isolated peak."""

import numpy as np
from numpy.typing import NDArray

from backtests.models import Candidate, OptimizerRun
from backtests.research.optimizer.objectives import Objective, eligible, scores
from backtests.research.optimizer.sampling import Batch
from backtests.research.optimizer.sweep import sweep
from backtests.research.robustness.neighbours import neighbours_of
from backtests.services.optimizer.candidates import ranked
from backtests.services.optimizer.create import grid_of
from backtests.services.optimizer.result_shards import ELIGIBILITY_COLUMNS, read_results
from backtests.services.optimizer.universes import scenario_of
from strategies.kinds import kinds

# Combinations that the search did not test and that are tested here, those around the best candidates first.
MAX_TESTED = 4_000


def score_neighbours(run: OptimizerRun, universe: str) -> None:
    """Store with each candidate of a completed search the median score of the combinations one step away.

    Scores are in-sample, and only eligible combinations count. A candidate without such neighbours gets none.
    Raises FileNotFoundError, and the errors of `scenario_of`.
    """
    kind, grid = kinds()[run.kind], grid_of(run)
    rows = list(ranked(run, universe))
    near = [neighbours_of(kind, grid, row.number) for row in rows]
    wanted = {number: combination for neighbours in near for number, combination in neighbours}
    known = _stored_scores(run, universe, np.array(list(wanted), np.int64))
    untested = [each for each in wanted.items() if each[0] not in known]
    known |= _computed_scores(run, universe, untested[:MAX_TESTED])
    for row, neighbours in zip(rows, near, strict=True):
        found = [known[number] for number, _ in neighbours if np.isfinite(known.get(number, np.nan))]
        row.neighbours_score = float(np.median(found)) if found else None
    Candidate.objects.bulk_update(rows, ["neighbours_score"])


def _stored_scores(run: OptimizerRun, universe: str, wanted: NDArray[np.int64]) -> dict[int, float]:
    """The scores of those of these numbers that the search tested, NaN for those that are not eligible."""
    table = read_results(run.results_path, ELIGIBILITY_COLUMNS, universe)
    found = {name: table.column(name).to_numpy() for name in ELIGIBILITY_COLUMNS}
    found = {name: values[np.isin(found["number"], wanted)] for name, values in found.items()}
    counting = np.where(eligible(found, found["score"], run.min_trades), found["score"], np.nan)
    return dict(zip(found["number"].tolist(), counting.tolist(), strict=True))


def _computed_scores(run: OptimizerRun, universe: str, batch: Batch) -> dict[int, float]:
    if not batch:
        return {}
    figures = sweep(scenario_of(run, universe), kinds()[run.kind], [combination for _, combination in batch])
    found = scores(figures, Objective(run.objective), run.weights)
    counting = np.where(eligible(figures, found, run.min_trades), found, np.nan)
    return dict(zip([number for number, _ in batch], counting.tolist(), strict=True))
