"""The sweep: many combinations of one kind over the same bars and rules, each with its figures."""

from collections.abc import Iterator, Sequence

import numpy as np

from backtests.optimizer.figures import FIGURES, Figures
from backtests.optimizer.grid import Combination
from backtests.simulation import Scenario, Simulation
from strategies.kinds.base import Kind
from tradedesk.core.bars import Floats
from tradedesk.core.metrics import session_ends, session_returns


def sweep(scenario: Scenario, kind: type[Kind], combinations: Sequence[Combination]) -> Figures:
    """The figures of each combination (n,), dtype FIGURES; each is what `scenario.simulate` finds of it.

    Raises InvalidParameters for a combination that the kind refuses.
    """
    found = np.empty(len(combinations), FIGURES)
    for place, done in enumerate(_simulated(scenario, kind, combinations)):
        for name in FIGURES.names or ():
            value = getattr(done.metrics, name)
            found[place][name] = np.nan if value is None else value
    return found


def returns_of(scenario: Scenario, kind: type[Kind], combinations: Sequence[Combination]) -> Floats:
    """The session returns of each combination, (sessions, n). A ruined account returns 0 from its ruin on."""
    columns: list[Floats] = []
    for done in _simulated(scenario, kind, combinations):
        result = done.result
        ends = session_ends(result.time)
        column = np.zeros(len(ends))
        own = session_returns(result.equity[ends], scenario.capital)
        column[: len(own)] = own
        columns.append(column)
    return np.column_stack(columns) if columns else np.empty((0, 0))


def _simulated(scenario: Scenario, kind: type[Kind], combinations: Sequence[Combination]) -> Iterator[Simulation]:
    for combination in combinations:
        yield scenario.simulate(kind(**combination))
