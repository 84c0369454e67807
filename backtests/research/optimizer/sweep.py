"""Parameter sweep: the figures of many combinations of one kind over the same bars, rules and costs."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtests.engine.kernel import TRIAL, write_figures, write_returns
from backtests.engine.run import full_strengths, signal_matrices
from backtests.engine.simulation import Scenario
from backtests.research.optimizer.figures import FIGURES, Figures
from backtests.research.optimizer.grid import Combination
from backtests.research.robustness.trials import Calendar, Trials
from strategies.kinds.base import Kind
from tradedesk.core.bars import Floats, read_only
from tradedesk.core.rules import kernel_rules
from tradedesk.core.years import annual_factor

# Combinations that are computed together share the values that depend on the same parameters. The limits of one
# batch: combinations, and cells of signals (combinations x bars x symbols; 1 byte each for the sides, 8 for the
# strengths).
MAX_TOGETHER = 512
MAX_CELLS = 4_000_000
Write = Callable[..., None]  # (where in the combinations, *the market and the signals for the kernel)
figures_kernel: Callable[..., None] = write_figures
returns_kernel: Callable[..., None] = write_returns
NO_WEEKS, NO_SESSIONS, NO_TRIALS = np.empty((0, 0), np.float32), np.empty(0, np.int64), np.empty(0, TRIAL)


def sweep(scenario: Scenario, kind: type[Kind], combinations: Sequence[Combination], threads: int = 1) -> Figures:
    """The figures of each combination (n,), dtype FIGURES, equal to those of `scenario.simulate`.

    threads: their number; a worker that is one of several processes uses one. Raises InvalidParameters for a
    combination that the kind refuses.
    """
    figures = np.empty(len(combinations), FIGURES)

    def write(batch: slice, *market: Any) -> None:
        figures_kernel(*market, NO_SESSIONS, NO_SESSIONS, figures[batch], NO_WEEKS, NO_TRIALS)

    _compute(scenario, kind, combinations, threads, write)
    return figures


def sweep_trials(
    scenario: Scenario, kind: type[Kind], combinations: Sequence[Combination]
) -> tuple[Figures, Trials]:
    """`sweep`, and what the trial registry keeps of the combinations, in their order. The weekly sums of a batch
    are reduced before the next one is computed."""
    figures, parts = np.empty(len(combinations), FIGURES), list[Trials]()
    sessions = scenario.sessions
    calendar = Calendar.of(sessions.number[sessions.ends])
    annual = np.sqrt(annual_factor(sessions.number))

    def write(batch: slice, *market: Any) -> None:
        own = figures[batch]
        weekly, trials = np.empty((len(own), calendar.weeks), np.float32), np.zeros(len(own), TRIAL)
        figures_kernel(*market, calendar.week, calendar.key, own, weekly, trials)
        parts.append(Trials.of(own["sharpe"] / annual, weekly, trials, calendar))

    _compute(scenario, kind, combinations, 1, write)
    return figures, Trials.joined(parts)


def returns_of(
    scenario: Scenario, kind: type[Kind], combinations: Sequence[Combination], threads: int = 1
) -> Floats:
    """The session returns of each combination, (sessions, n); 0 after the account went to zero."""
    returns = np.empty((len(combinations), len(scenario.sessions.ends)))

    def write(batch: slice, *market: Any) -> None:
        returns_kernel(*market, returns[batch])

    _compute(scenario, kind, combinations, threads, write)
    return returns.T


def _compute(
    scenario: Scenario, kind: type[Kind], combinations: Sequence[Combination], threads: int, write: Write
) -> None:
    """Call `write` for all combinations, in batches."""
    matrix, first = scenario.matrix, scenario.matrix.row_of(scenario.start)

    def compute(batch: slice) -> None:
        side, strength = _signals(scenario, first, [kind(**values) for values in combinations[batch]])
        write(
            batch,
            *matrix.prices(first, scenario.rules),
            *scenario.sessions,
            read_only(side),
            read_only(strength),
            float(scenario.capital),
            kernel_rules(scenario.rules, scenario.costs),
        )

    size = min(MAX_TOGETHER, MAX_CELLS // max(matrix.mark.size, 1), -(-len(combinations) // threads))
    batches = [slice(begin, begin + max(size, 1)) for begin in range(0, len(combinations), max(size, 1))]
    if threads == 1:
        for batch in batches:
            compute(batch)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(compute, batches))


def _signals(scenario: Scenario, first: int, kinds: Sequence[Kind]) -> tuple[NDArray[np.int8], Floats]:
    """side (c, rows, symbols) and strength of each kind from row `first` on. strength is (c, rows, symbols), or
    (1, 1, symbols) where all of them may count as 1: with one symbol a strength is compared with the threshold
    alone, with several it also decides which symbol comes first.
    """
    matrix = scenario.matrix
    shape = (len(kinds), len(matrix.time) - first, len(matrix.symbols))
    kind = type(kinds[0])
    full = full_strengths(len(matrix.symbols))[np.newaxis]
    needed = scenario.rules.signal_threshold if len(matrix.symbols) == 1 else 1.0
    if kind.has_batch_signals() and needed <= kind.least_strength:
        columns = [kind.sides_in_batch(kinds, scenario.bars[symbol]) for symbol in matrix.symbols]
        sides = [column for column in columns if column is not None]
        if len(sides) == len(columns) == 1:
            return sides[0][:, first:].reshape(shape), full
        if len(sides) == len(columns):
            side = np.zeros((len(kinds), len(matrix.time), len(matrix.symbols)), np.int8)
            for place, own in enumerate(sides):
                side[:, matrix.rows[place], place] = own
            return side[:, first:], full
    side, strength = np.empty(shape, np.int8), np.empty(shape)
    for place, one in enumerate(kinds):
        side[place], strength[place] = signal_matrices(matrix, one.signals_by_symbol(scenario.bars), first)
    return side, strength
