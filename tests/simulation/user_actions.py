"""What users do. Each runs as a worker, so it can be held up and killed half way."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from livetrading.models import BrokerAccount, Halt, LiveStrategy, Order
from livetrading.models.order import WORKING
from livetrading.models.trade import trades_of
from livetrading.pipeline.by_ticket import NotPlaced, place
from livetrading.pipeline.ticket_judgement import read_quote
from livetrading.pipeline.tickets import Ticket
from livetrading.services import halt as halts
from livetrading.services.closing import NotClosed, close_lot, close_strategy
from livetrading.services.control import ControlRefused, control
from livetrading.services.deploy import DeployRefused, deploy
from livetrading.services.order_cancel import NotCancelled, cancel_order
from livetrading.services.reset import reset_replay
from tests.simulation.actions import action
from tests.simulation.market_actions import POINTS
from tests.simulation.world import SYMBOLS, Desk, World
from tradedesk.accounts.models import Mode, User

REFUSALS = (ControlRefused, DeployRefused, NotClosed, NotCancelled, NotPlaced)


def _by_user(world: World, random: Random, name: str, task: Callable[[], object]) -> None:
    """The request of a user, which ends with its worker like any other."""

    def request() -> None:
        try:
            task()
        except REFUSALS as refusal:
            world.note(f"  refused: {refusal}")

    accident, limit = random.random(), random.randrange(POINTS)
    world.counts["requests of users"] += 1
    points = limit if accident < 0.1 else None
    world.start(name, request, points, limit if 0.1 <= accident < 0.15 else None)


def _account(world: World, random: Random) -> BrokerAccount:
    return BrokerAccount.objects.select_related("user").get(pk=random.choice(world.desks).account.pk)


def _strategy(account: BrokerAccount, random: Random) -> LiveStrategy | None:
    found = list(account.live_strategies.order_by("pk"))
    return random.choice(found) if found else None


@action(1, 0.7)
def switch(world: World, random: Random) -> None:
    """Pause, stop or start a strategy."""
    live = _strategy(_account(world, random), random)
    verb = random.choice(["pause", "stop", "start", "start"])
    if live is not None:
        clocks = world.clocks
        _by_user(world, random, f"{verb} {live.pk}", lambda: control(live, verb, clocks.now, clocks.wall))


@action(0.4, 0.3)
def edit_limits(world: World, random: Random) -> None:
    live = _strategy(_account(world, random), random)
    limit = random.choice([1, 2, 3])
    if live is not None:
        chosen = LiveStrategy.objects.filter(pk=live.pk)
        _by_user(world, random, f"edit {live.pk}", lambda: chosen.update(max_positions=limit))


@action(0.15, 0.15)
def switch_mode(world: World, random: Random) -> None:
    user = _account(world, random).user
    mode = Mode.LIVE if user.mode == Mode.PAPER else Mode.PAPER
    chosen = User.objects.filter(pk=user.pk)
    _by_user(world, random, f"{user} to {mode}", lambda: chosen.update(mode=mode))


@action(0.5, 0.4)
def halt(world: World, random: Random) -> None:
    """Stop the entries of an account, cancel its orders, or flatten it."""
    account, clocks = _account(world, random), world.clocks
    what = random.choice(Halt.Action.values)

    def task() -> None:
        halts.request(account, what, by=account.user, now=clocks.now, wall_now=clocks.wall)

    _by_user(world, random, f"halt of {account.pk}: {what}", task)


@action(0.5, 0.3)
def close(world: World, random: Random) -> None:
    """Close a strategy's lots, a lot, or a part of one."""
    account, clocks = _account(world, random), world.clocks
    lots = list(trades_of(account, account.mode).filter(exit_time=None).order_by("pk"))
    choice = random.random()
    times: dict[str, Any] = {"now": clocks.now, "wall_now": clocks.wall}
    if not lots:
        return
    lot = random.choice(lots)
    live = lot.live_strategy
    if live is not None and choice < 0.3:
        _by_user(world, random, f"close {live}", lambda: close_strategy(live, by=account.user, **times))
        return
    quantity = None if choice < 0.6 else Decimal(max(int(lot.open_quantity) // 2, 1))
    name = f"close {quantity} of {lot}"
    entry = lot.opening_order_id
    _by_user(world, random, name, lambda: close_lot(account, entry, quantity, by=account.user, **times))


@action(0)  # only with --by-hand, so that the other seeds stay what they are
def order_by_hand(world: World, random: Random) -> None:
    """Buy or sell by hand, now and then pressed twice: at the market, and in the simulation also at a price."""
    desk = random.choice(world.desks)
    account, clocks = BrokerAccount.objects.select_related("user").get(pk=desk.account.pk), world.clocks
    symbol, shares = random.choice(SYMBOLS), Decimal(random.choice([1, 10, 40]))
    side, type_ = random.choice(["buy", "buy", "sell"]), random.choice(["market", "market", "limit", "stop"])
    last = read_quote(account.user_id, symbol, clocks.now).price
    values: dict[str, Any] = {"symbol": symbol, "side": side, "shares": shares}
    stop = random.choice([None, 0.05, 0.2])
    above = random.choice([0.98, 0.995, 1.005, 1.02])
    if desk.broker is None and type_ != "market" and last is not None:
        values |= {"type": type_, f"{type_}_price": Decimal(f"{last * above:.2f}")}
    ticket, key = Ticket(**values, stop_loss_pct=stop if side == "buy" else None), f"{random.getrandbits(64):x}"
    world.counts["orders by hand"] += 1
    for _ in range(random.choice([1, 1, 2])):
        _by_user(
            world,
            random,
            f"{side} {shares} {symbol} by hand",
            lambda: place(account, ticket, by=account.user, now=clocks.now, wall_now=clocks.wall, key=key),
        )


@action(0.4, 0.3)
def cancel(world: World, random: Random) -> None:
    """Cancel an order."""
    account, wall = _account(world, random), world.clocks.wall
    orders = list(account.orders.filter(state__in=WORKING).order_by("pk"))
    if orders:
        order: Order = random.choice(orders)
        name = f"cancel {order.client_order_id}"
        _by_user(world, random, name, lambda: cancel_order(order, by=account.user, wall_now=wall))


@action(1, 1)
def allow_all(world: World, random: Random) -> None:
    """One user's account trades again, whatever held it back."""
    desk = random.choice(world.desks)
    if desk.broker is not None:
        desk.broker.blocked = ""
    _by_user(world, random, f"all entries of {desk.account.pk} are allowed", lambda: _allow(world, desk))


def _allow(world: World, desk: Desk) -> None:
    account, clocks = BrokerAccount.objects.select_related("user").get(pk=desk.account.pk), world.clocks
    halts.lift(account, halts.RESUME, by=account.user, now=clocks.now, wall_now=clocks.wall)
    User.objects.filter(pk=account.user_id).update(mode=account.mode)
    for live in account.live_strategies.exclude(status=LiveStrategy.Status.ACTIVE).order_by("pk"):
        control(live, "start", clocks.now, clocks.wall)


@action(0.3, 0.4)
def press_deploy(world: World, random: Random) -> None:
    account, clocks = _account(world, random), world.clocks
    user, strategy = account.user, account.user.strategies.order_by("pk").first()
    if strategy is not None and user.mode == account.mode:  # it would open another account
        _by_user(
            world,
            random,
            f"deploy of {user}",
            lambda: deploy(user, strategy, now=clocks.now, wall_now=clocks.wall),
        )


@action(0.02, 0.08)
def reset(world: World, random: Random) -> None:
    """Empty the simulated accounts."""
    if any(desk.broker is None for desk in world.desks):
        world.counts["resets"] += 1
        _by_user(world, random, "reset", lambda: reset_replay(world.clocks.wall))
