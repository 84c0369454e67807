"""The tree-structured Parzen estimator: the next combinations to try, from what was tried before.

Source: J. Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011; the implementation is Optuna's.
"""

from collections.abc import Iterable

from backtests.research.optimizer.grid import Grid
from backtests.research.optimizer.sampling import Batch, accepts, untried_at_random
from strategies.kinds.base import Kind

# Asked this often in a row without a new combination, it has settled: the rest of the batch is drawn at random.
PATIENCE = 20


def next_batch(
    kind: type[Kind],
    grid: Grid,
    seed: int,
    known: Iterable[tuple[int, float | None]],
    size: int,
) -> Batch:
    """Up to `size` combinations that are new, from the numbers tried with their scores (None: not defined).

    The study is made anew from `known` each time, so that a batch depends on nothing but its arguments.
    """
    # Not above: it is a tenth of a second and 24 MB, which only who searches like this should pay.
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    tried = dict(known)
    # Another batch must not begin with the random numbers of the one before.
    sampler = optuna.samplers.TPESampler(seed=seed + len(tried), constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    spread = {
        name: optuna.distributions.IntDistribution(0, len(values) - 1)
        for name, values in grid.axes.items()
        if len(values) > 1
    }
    unmoved = dict.fromkeys(grid.axes, 0)
    for number, score in tried.items():
        places = grid.places(number)
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.PRUNED if score is None else optuna.trial.TrialState.COMPLETE,
                params={name: places[name] for name in spread},
                distributions=dict(spread),
                value=score,
            )
        )
    asked = set(tried)
    chosen: Batch = []
    missed = 0
    while len(chosen) < size and missed < PATIENCE:
        trial = study.ask(dict(spread))
        number = grid.number_at(unmoved | trial.params)
        combination = grid.at(number)
        if number in asked or not accepts(kind, combination):
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            missed += 1
        else:
            chosen.append((number, combination))
            missed = 0
        asked.add(number)
    return chosen + untried_at_random(kind, grid, seed + len(tried), asked, size - len(chosen))
