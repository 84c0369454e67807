"""What the scheduler does: a list of actions, made from the seed alone.

Every action draws what it does from a number of its own. So an action can be left out and the others still do the
same, which is how a failing list is shrunk.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.simulation.world import World

Act = Callable[[World, Random], object]
# How many actions happen in a session, and between two: quiet days and busy ones.
IN_SESSION, BETWEEN = (0, 2, 3, 5), (0, 0, 1, 2)

_acts: dict[str, Act] = {}
_weights: dict[str, tuple[float, float]] = {}


@dataclass(frozen=True, slots=True)
class Action:
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}"


def action(in_session: float, between: float = 0.0) -> Callable[[Act], Act]:
    """Register what an action does. in_session, between: how often it is chosen, beside the others."""

    def register(act: Act) -> Act:
        _acts[act.__name__] = act
        _weights[act.__name__] = in_session, between
        return act

    return register


def weigh(name: str, in_session: float, between: float) -> None:
    """Choose an action as often as this."""
    _weights[name] = in_session, between


def schedule(seed: int, days: int) -> list[Action]:
    """The actions of a seed. A session is an open, what happens in it, a close, and what happens after it."""
    random = Random(seed)
    names = sorted(_weights)
    chosen = []
    for _ in range(days):
        during = random.choices(names, [_weights[name][0] for name in names], k=random.choice(IN_SESSION))
        after = random.choices(names, [_weights[name][1] for name in names], k=random.choice(BETWEEN))
        for name in ("begin_session", *during, "end_session", *after):
            chosen.append(Action(name, random.getrandbits(32)))
    return chosen


def perform(world: World, todo: Action) -> None:
    world.step += 1
    world.note(f"{world.step} {world.clocks.now:%m-%d %H:%M:%S} {todo}")
    _acts[todo.kind](world, Random(todo.number))
