"""Faults of the brokers and of the lines to them. Each lasts until it is used up, or until an action ends it."""

from random import Random

from livetrading.pipeline.absence import LOOKS
from tests.livetrading.second_broker.market import Path, dollars
from tests.simulation.actions import action
from tests.simulation.world import Desk, World

METHODS = ("submit", "submit", "submit", "replace", "cancel", "order_by_client_id", "open_orders", "fills_since")


def _desk(world: World, random: Random, fault: str) -> Desk:
    world.counts["faults"] += 1
    world.counts[fault] += 1
    return random.choice(world.desks)


@action(2, 1.5)
def lose(world: World, random: Random) -> None:
    """The next answers to one kind of request are lost, or the request arrives late."""
    line = _desk(world, random, "lost answers").line
    line.losses[random.choice(METHODS)] = random.choices(["before", "after", "late"], k=random.randint(1, 2))


@action(1.5, 1)
def deliver(world: World, random: Random) -> None:
    """Late requests arrive, and fills that were held back are reported."""
    world.deliver()
    for desk in world.desks:
        desk.line.release()


@action(0.7, 0.3)
def hide(world: World, random: Random) -> None:
    """The broker does not find its next new order for some looks."""
    _desk(world, random, "hidden orders").line.hide_next = random.randint(1, LOOKS - 1)


@action(0.8)
def hold_back(world: World, random: Random) -> None:
    """The next fills are reported late, after those that follow."""
    _desk(world, random, "late fills").line.hold_back = random.randint(1, 2)


@action(0.8, 0.3)
def repeat(world: World, random: Random) -> None:
    """Fills are reported again and again."""
    _desk(world, random, "repeated fills").line.repeat = random.choice([0, 1, 3])


@action(0.5, 0.3)
def fall_silent(world: World, random: Random) -> None:
    """The broker answers nothing for a while."""
    _desk(world, random, "silent brokers").line.silent = random.randint(2, 9)


@action(0.4, 0.2)
def stale_balance(world: World, random: Random) -> None:
    """The broker reports this balance and these positions for a while."""
    desk = _desk(world, random, "stale balances")
    fresh = desk.line.stale is not None or desk.broker is None
    desk.line.stale = None if fresh or desk.broker is None else (desk.broker.account(), desk.broker.positions())


@action(0.6, 0.3)
def reject(world: World, random: Random) -> None:
    """The broker rejects an order after it has accepted it, or refuses a sale."""
    broker = _desk(world, random, "rejects").broker
    if broker is not None and random.random() < 0.5:
        broker.reject_next = [random.choice(["any", "market", "stop", "limit"])]
    elif broker is not None:
        broker.sales_to_refuse = 1


@action(0.3, 0.3)
def expire(world: World, random: Random) -> None:
    broker = _desk(world, random, "expiries").broker
    if broker is not None:
        broker.end_day(all_orders=random.random() < 0.4)


@action(0.3, 0.2)
def block(world: World, random: Random) -> None:
    broker = _desk(world, random, "blocked accounts").broker
    if broker is not None:
        broker.blocked = "" if broker.blocked else "Please call us."


@action(0.3, 0.2)
def charge(world: World, random: Random) -> None:
    """Money moves without a fill."""
    broker = _desk(world, random, "fees").broker
    if broker is not None:
        broker.charge(f"{random.randint(1, 300) / 100:.2f}", random.choice(["fee", "dividend", "unheard of"]))


@action(0.2)
def freeze(world: World, random: Random) -> None:
    """The brokers trade at old prices for a while."""
    world.counts["frozen prices"] += 1
    world.frozen = not world.frozen
    for desk in world.desks:
        if desk.broker is not None and not world.frozen:
            desk.broker.paths = {symbol: Path(dollars(price)) for symbol, price in world.prices.last.items()}
