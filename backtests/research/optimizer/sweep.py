"""The sweep: many combinations of one kind over the same bars and rules, each with its figures."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtests.engine.kernel import figures_of_each, returns_of_each
from backtests.engine.run import decisions
from backtests.engine.simulation import Scenario
from backtests.research.optimizer.figures import FIGURES, Figures
from backtests.research.optimizer.grid import Combination
from strategies.kinds.base import Kind
from tradedesk.core.bars import Floats, read_only
from tradedesk.core.rules import kernel_rules

# Combinations that are computed together share what their parameters have in common: so many of them at most, and
# so many cells of signals (combinations x bars x symbols), 1 byte each for the sides and 8 for the strengths.
MAX_TOGETHER = 512
MAX_CELLS = 4_000_000


def sweep(scenario: Scenario, kind: type[Kind], combinations: Sequence[Combination], threads: int = 1) -> Figures:
    """The figures of each combination (n,), dtype FIGURES; each is what `scenario.simulate` finds of it.

    threads: how many work at a time; a worker that is one of several processes takes one. Raises
    InvalidParameters for a combination that the kind refuses.
    """
    found = np.empty(len(combinations), FIGURES)
    _compute(scenario, kind, combinations, threads, figures_of_each, found)
    return found


def returns_of(
    scenario: Scenario, kind: type[Kind], combinations: Sequence[Combination], threads: int = 1
) -> Floats:
    """The session returns of each combination, (sessions, n). A ruined account returns 0 from its ruin on."""
    found = np.empty((len(combinations), len(scenario.sessions.ends)))
    _compute(scenario, kind, combinations, threads, returns_of_each, found)
    return found.T


def _compute(
    scenario: Scenario,
    kind: type[Kind],
    combinations: Sequence[Combination],
    threads: int,
    compiled: Callable[..., None],
    found: NDArray[Any],
) -> None:
    """Let the compiled function write all combinations into found (n, ...), part by part."""
    matrix, first = scenario.matrix, scenario.matrix.row_of(scenario.start)

    def compute(part: slice) -> None:
        side, strength = _decisions(scenario, first, [kind(**values) for values in combinations[part]])
        compiled(
            *matrix.prices(first),
            *scenario.sessions,
            read_only(side),
            read_only(strength),
            float(scenario.capital),
            kernel_rules(scenario.rules, scenario.costs),
            found[part],
        )

    size = min(MAX_TOGETHER, MAX_CELLS // max(matrix.mark.size, 1), -(-len(combinations) // threads))
    parts = [slice(begin, begin + max(size, 1)) for begin in range(0, len(combinations), max(size, 1))]
    if threads == 1:
        for part in parts:
            compute(part)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(compute, parts))


def _decisions(scenario: Scenario, first: int, kinds: Sequence[Kind]) -> tuple[NDArray[np.int8], Floats]:
    """side (c, rows, symbols) of each kind from row `first` on, and strength, (1, rows, symbols) where it is 1."""
    matrix = scenario.matrix
    shape = (len(kinds), len(matrix.time) - first, len(matrix.symbols))
    kind = type(kinds[0])
    if len(matrix.symbols) == 1 and kind.has_batch_signals():
        (bars,) = scenario.bars.values()
        sides = kind.sides_in_batch(kinds, bars)
        if sides is not None:
            return sides[:, first:].reshape(shape), np.ones((1, *shape[1:]))
    side, strength = np.empty(shape, np.int8), np.empty(shape)
    for place, one in enumerate(kinds):
        own_side, own_strength = decisions(matrix, one.signals_by_symbol(scenario.bars))
        side[place], strength[place] = own_side[first:], own_strength[first:]
    return side, strength
