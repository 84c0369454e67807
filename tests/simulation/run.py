"""Run one seed: its actions, a check after each, and the quiet end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from livetrading.pipeline.tick import tick
from tests.simulation import fault_actions, market_actions, user_actions  # noqa: F401 - they register their actions
from tests.simulation.actions import Action, perform, schedule
from tests.simulation.database import changes, reset
from tests.simulation.invariants import check, check_settled, unsettled
from tests.simulation.market_actions import begin_session
from tests.simulation.records import read
from tests.simulation.seams import connected
from tests.simulation.violation import Violation
from tests.simulation.world import BEAT, World

# So many quiet steps settle everything.
QUIET_STEPS = 40


@dataclass(frozen=True, slots=True)
class Outcome:
    """error: what was violated, "" for nothing. digest: of everything that has happened. trace: the same in lines,
    where it was kept. cents: by how many cents the books of desk and brokers differ in the end."""

    seed: int
    error: str
    digest: str
    counts: Counter[str]
    trace: list[str]
    cents: int = 0


def run(seed: int, days: int, *, actions: Sequence[Action] | None = None, keep_trace: bool = False) -> Outcome:
    """Run the actions of this seed, or these of them."""
    reset()
    world = World(seed, keep_trace=keep_trace)
    error, cents = "", 0
    with connected(world):
        try:
            seen = -1
            for todo in schedule(seed, days) if actions is None else actions:
                perform(world, todo)
                if changes() != seen:
                    check(world)
                    seen = changes()
            settle(world)
            cents = sum(_difference(world))
        except Violation as violation:
            error = str(violation)
            world.note(f"VIOLATED: {error}")
        except Exception as failure:
            error = f"the simulation failed: {failure!r}"
            world.note(error)
            if keep_trace:
                raise
    world.counts["days"] = world.day
    for desk in world.desks:
        records = read(desk)
        world.counts["orders"] += len(records.orders)
        world.counts["fills"] += len(records.fills)
    return Outcome(seed, error, world.digest(), world.counts, world.trace, cents)


def settle(world: World) -> None:
    """The faults end, the workers that were held up go on, and the desk works without accidents."""
    world.note("all faults end")
    world.frozen = False
    begin_session(world, Random(world.seed))
    for desk in world.desks:
        desk.line.heal()
        if desk.broker is not None:
            broker = desk.broker
            broker.losses, broker.reject_next, broker.sales_to_refuse = {}, [], 0
            broker.largest_fill, broker.blocked = None, ""
    while world.held_up:
        world.resume(0)
    for desk in world.desks:  # an account with nothing to do is not dispatched
        world.start("tick", partial(tick, desk.account.pk, world.clocks.now, world.clocks.wall))
    calm = 0
    for _ in range(QUIET_STEPS):
        quiet_step(world)
        calm = 0 if world.queue or any(unsettled(desk) for desk in world.desks) else calm + 1
        if calm == 2:  # after the first, the brokers have worked once more
            break
    check_settled(world)


def quiet_step(world: World) -> None:
    world.step += 1
    world.note(f"{world.step} {world.clocks.now:%m-%d %H:%M:%S} quiet")
    for desk in world.desks:
        if desk.broker is not None:
            desk.broker.work()
    world.wait(61)
    for task in BEAT:
        world.publish(task, [()])
    while world.queue:
        world.run_message()
    check(world)


def _difference(world: World) -> list[int]:
    """Cents of difference between the desk's cash and the broker's."""
    found = []
    for desk in world.desks:
        records = read(desk)
        if records.booked_cash is not None:
            found.append(abs(records.cash - records.booked_cash) // 10_000)
    return found
