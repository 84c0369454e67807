"""The search: every state that two lots of one account can reach, breadth first, and the shortest way to each.

The lots are of one symbol, so the broker may sell the shares of one for the other. They share the mode of the
account and the faults. Two lots are the same two in the other order, so each pair is visited once.
"""

import gc
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.protocol_model.guards import ALL
from tests.protocol_model.lot import ENTRY, EXIT, FLYING, STOP, Lot, Stalled, settled
from tests.protocol_model.steps import FLATTENING, RESET, STOPPED, TRADING, Around, Step, steps

# mode, faults, and the numbers of the two lots. Below zero: what the account's other lots hold and lock.
State = tuple[int, int, int, int]
# One lot beside others: the units of the same symbol that they hold, and that their sales lock.
BESIDE = {-1: (0, 0), -2: (1, 0), -3: (1, 1)}
KINDS = ("system", "broker", "entry", "stop", "exit", "user", "fault")
BROKER, USER, FAULT = (KINDS.index(kind) for kind in ("broker", "user", "fault"))
# A step of one lot: its kind, the number of the lot after it, the fault that it uses up, what is wrong, its label.
Following = tuple[int, int, int, str, str]


@dataclass
class Search:
    """lots: how many, one or two. beside: whether one lot has others beside it, which hold, lock and free units at
    any time: more than any second lot can do to it. units: of each entry. faults: those that may happen, at most
    `most` of them in all."""

    lots: int = 2
    beside: bool = False
    units: int = 1
    faults: int = 31
    most: int = 5
    guards: frozenset[str] = ALL
    lots_seen: list[Lot] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    depth: int = 0

    def __post_init__(self) -> None:
        self._lot_numbers: dict[Lot, int] = {}
        self._units: list[tuple[int, int]] = []
        self._state_numbers: dict[State, int] = {}
        self._steps: dict[tuple[int, ...], list[Following]] = {}
        self._parents = array("l")
        self._sources, self._targets, self._kinds = array("l"), array("l"), array("b")

    @property
    def transitions(self) -> int:
        return len(self._sources)

    def run(self) -> str:
        """Visit every state, or stop at the first one that is wrong. Returns the trace to it, "" without one."""
        gc.disable()  # nothing here is a cycle, and looking for one among so many tuples takes long
        try:
            return self._run()
        finally:
            gc.enable()

    def _run(self) -> str:
        first = self._number(Lot())
        self._visit((TRADING, 0, first, first if self.lots == 2 else -1), -1)
        begin = 0
        while begin < len(self.states):
            end = len(self.states)
            for at in range(begin, end):
                for kind, following, wrong, _, _ in self._following(self.states[at]):
                    target = self._visit(following, at)
                    self._sources.append(at)
                    self._targets.append(target)
                    self._kinds.append(kind)
                    if wrong:
                        return f"{wrong}:\n{self.trace(target)}"
            begin = end
            self.depth += 1
        return ""

    def stuck(self, wanted: Callable[[Lot], bool], done: Callable[[Lot], bool], *, without: str = "") -> str:
        """The trace to a state with a lot of the sort `wanted`, from which no way leads to a state where all lots
        are `done`; "" when there is none. A way has no faults, no steps of the user, and none of the kind
        `without`: nobody has to take those."""
        good = self._which(done, every=True)
        free = {KINDS.index(kind) for kind in ("user", "fault", without) if kind}
        binding = ~np.isin(np.frombuffer(self._kinds, np.int8), list(free))
        sources = np.frombuffer(self._sources, np.int64)[binding]
        targets = np.frombuffer(self._targets, np.int64)[binding]
        count = -1
        while count != (count := int(good.sum())):
            good[sources[good[targets]]] = True
        found = np.flatnonzero(self._which(wanted, every=False) & ~good)
        return self.trace(int(found[0])) if len(found) else ""

    def trace(self, at: int) -> str:
        """The steps to this state, one a line."""
        lines: list[str] = []
        while (parent := self._parents[at]) >= 0:
            lines.append(self._label(self.states[parent], self.states[at]))
            at = parent
        return "\n".join(f"{number}. {line}" for number, line in enumerate(reversed(lines), 1))

    # --- One state ---

    def _label(self, state: State, after: State) -> str:
        return next(who + label for _, found, _, who, label in self._following(state) if found == after)

    def _following(self, state: State) -> Iterator[tuple[int, State, str, str, str]]:
        """The kind of each step, the state after it, what is wrong with that, and the label in two parts."""
        mode, faults, one, two = state
        blocked = 31 if faults.bit_count() >= self.most else faults | (31 & ~self.faults)
        for kind, number, fault, wrong, label in self._steps_of(one, two, mode):
            if not fault & blocked:
                yield kind, self._state(mode, faults | fault, number, two), wrong, "A: ", label
        if two >= 0 and two != one:  # of two equal lots, both can do the same
            for kind, number, fault, wrong, label in self._steps_of(two, one, mode):
                if not fault & blocked:
                    yield kind, self._state(mode, faults | fault, number, one), wrong, "B: ", label
        if self.beside:
            for others in BESIDE:
                if others != two:
                    yield BROKER, (mode, faults, one, others), "", "other lots hold and lock ", str(BESIDE[others])
        if mode < FLATTENING:
            for to, what in ((STOPPED, "stops the entries"), (FLATTENING, "flattens the account")):
                if to > mode:
                    yield USER, (to, faults, one, two), "", "the user ", what
        if not blocked & RESET:
            emptied = [self._number(_emptied(self.lots_seen[lot])) for lot in (one, two) if lot >= 0]
            after = self._state(mode, faults | RESET, emptied[0], emptied[1] if self.lots == 2 else two)
            yield FAULT, after, "", "", "the account is reset"

    def _steps_of(self, mine: int, other: int, mode: int) -> list[Following]:
        held, locked = BESIDE[other] if other < 0 else self._units[other]
        key = mine, mode, held, locked
        if key not in self._steps:
            around = Around(mode, held, locked, self.units, self.guards)
            self._steps[key] = [self._step(step) for step in steps(self.lots_seen[mine], around)]
        return self._steps[key]

    def _step(self, step: Step) -> Following:
        lot = settled(step.lot, self.guards)
        wrong = lot.wrong or ("more was sold than bought" if lot.held < 0 else "")
        return KINDS.index(step.kind), self._number(lot), step.fault, wrong, step.label

    # --- Numbers ---

    def _number(self, lot: Lot) -> int:
        number = self._lot_numbers.setdefault(lot, len(self.lots_seen))
        if number == len(self.lots_seen):
            self.lots_seen.append(lot)
            self._units.append((lot.held, lot.locked))
        return number

    def _state(self, mode: int, faults: int, one: int, two: int) -> State:
        """Two lots in the order of their numbers: which of them is the first does not matter."""
        return (mode, faults, two, one) if 0 <= two < one else (mode, faults, one, two)

    def _visit(self, state: State, parent: int) -> int:
        number = self._state_numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
            self._parents.append(parent)
        return number

    def _which(self, sort: Callable[[Lot], bool], *, every: bool) -> NDArray[np.bool_]:
        """For each state whether every lot is of this sort, or any lot."""
        # What is beside a lot has the number -1 and below: it is no lot, and decides nothing.
        fits = np.array([*(sort(lot) for lot in self.lots_seen), every, every, every])
        lots = np.array([state[2:] for state in self.states])
        one, two = fits[lots[:, 0]], fits[lots[:, 1]]
        found: NDArray[np.bool_] = one & two if every else one | two
        return found


def _emptied(lot: Lot) -> Lot:
    """The lot after a reset: only what was on its way is left."""
    if lot.stalled is not None:
        return Lot(stalled=Stalled(lot.stalled.order, "reset"))
    flying = [which for which in (ENTRY, STOP, EXIT) if lot.order(which).at == FLYING]
    return Lot(stalled=Stalled(flying[0], "reset")) if flying else Lot()
