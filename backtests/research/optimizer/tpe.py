"""The tree-structured Parzen estimator: the next combinations to try, from the trials so far.

Source: J. Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011; the implementation is Optuna's.
"""

from collections.abc import Iterable

from backtests.research.optimizer.grid import Grid
from backtests.research.optimizer.sampling import Batch, accepts, untried_batch
from strategies.kinds.base import Kind

# After this many proposals in a row without a new combination, the rest of the batch is sampled at random.
MAX_MISSES = 20


def next_batch(
    kind: type[Kind],
    grid: Grid,
    seed: int,
    trials: Iterable[tuple[int, float | None]],
    size: int,
) -> Batch:
    """Up to `size` new combinations. trials: the numbers tried so far with their scores (None: not defined).

    The study is built again from `trials` each time, so that a batch depends only on its arguments.
    """
    # Imported here because it costs a tenth of a second and 24 MB.
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    scored = dict(trials)
    # Each batch needs random numbers of its own.
    sampler = optuna.samplers.TPESampler(seed=seed + len(scored), constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions = {
        name: optuna.distributions.IntDistribution(0, len(values) - 1)
        for name, values in grid.axes.items()
        if len(values) > 1
    }
    origin = dict.fromkeys(grid.axes, 0)
    for number, score in scored.items():
        positions = grid.positions(number)
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.PRUNED if score is None else optuna.trial.TrialState.COMPLETE,
                params={name: positions[name] for name in distributions},
                distributions=dict(distributions),
                value=score,
            )
        )
    proposed = set(scored)
    batch: Batch = []
    misses = 0
    while len(batch) < size and misses < MAX_MISSES:
        trial = study.ask(dict(distributions))
        number = grid.number_at(origin | trial.params)
        combination = grid.at(number)
        if number in proposed or not accepts(kind, combination):
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            misses += 1
        else:
            batch.append((number, combination))
            misses = 0
        proposed.add(number)
    return batch + untried_batch(kind, grid, seed + len(scored), proposed, size - len(batch))
