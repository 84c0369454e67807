"""The tree-structured Parzen estimator: the next combinations to try, from what was tried before.

Source: J. Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011; the implementation is Optuna's.
"""

from collections.abc import Iterable

import optuna

from backtests.optimizer.choice import Chosen
from backtests.optimizer.grid import Combination, Grid
from strategies.kinds.base import InvalidParameters, Kind

optuna.logging.set_verbosity(optuna.logging.WARNING)

# Asked for a combination this often in a row without a new one, the search has found all it will find.
PATIENCE = 50


def next_batch(
    kind: type[Kind],
    grid: Grid,
    seed: int,
    known: Iterable[tuple[Combination, float | None]],
    size: int,
) -> Chosen:
    """Up to `size` combinations that are new, from the combinations tried with their scores (None: not defined).

    The study is made anew from `known` each time, so that a batch depends on nothing but its arguments.
    """
    tried_before = list(known)
    # Another batch must not begin with the random numbers of the one before.
    sampler = optuna.samplers.TPESampler(seed=seed + len(tried_before), constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    spread = {name: list(values) for name, values in grid.axes.items() if len(values) > 1}
    distributions = {
        name: optuna.distributions.IntDistribution(0, len(values) - 1) for name, values in spread.items()
    }
    tried: set[int] = set()
    for combination, score in tried_before:
        tried.add(grid.number_of(combination))
        places = {name: values.index(combination[name]) for name, values in spread.items()}
        state = optuna.trial.TrialState.COMPLETE if score is not None else optuna.trial.TrialState.PRUNED
        study.add_trial(
            optuna.trial.create_trial(state=state, params=places, distributions=dict(distributions), value=score)
        )
    chosen: Chosen = []
    missed = 0
    while len(chosen) < size and missed < PATIENCE:
        trial = study.ask(dict(distributions))
        combination = {
            name: values[trial.params[name]] if name in spread else values[0] for name, values in grid.axes.items()
        }
        number = grid.number_of(combination)
        if number in tried or not _accepts(kind, combination):
            tried.add(number)
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            missed += 1
            continue
        tried.add(number)
        chosen.append((number, combination))
        missed = 0
    return chosen


def _accepts(kind: type[Kind], combination: Combination) -> bool:
    try:
        kind(**combination)
    except InvalidParameters:
        return False
    return True
