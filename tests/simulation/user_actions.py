"""What users do. Each runs as a worker, so it can be held up and killed half way."""

from collections.abc import Callable
from random import Random

from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.services.control import ControlRefused, control
from livetrading.services.deploy import DeployRefused, deploy
from livetrading.services.reset import reset_replay
from tests.simulation.actions import action
from tests.simulation.market_actions import POINTS
from tests.simulation.world import Desk, World
from tradedesk.accounts.models import Mode, User


def _by_user(world: World, random: Random, name: str, task: Callable[[], object]) -> None:
    """The request of a user, which ends with its worker like any other."""
    accident = random.random()
    limit = random.randrange(POINTS)
    world.counts["requests of users"] += 1
    points = limit if accident < 0.1 else None
    world.start(name, task, points, limit if 0.1 <= accident < 0.15 else None)


def _strategy(desk: Desk, random: Random) -> LiveStrategy | None:
    found = list(desk.account.live_strategies.order_by("pk"))
    return random.choice(found) if found else None


@action(1, 0.7)
def switch(world: World, random: Random) -> None:
    """Pause, stop or start a strategy."""
    live = _strategy(random.choice(world.desks), random)
    verb = random.choice(["pause", "stop", "start", "start"])
    if live is None:
        return

    def task() -> None:
        try:
            control(live, verb, world.clocks.now)
        except ControlRefused as refusal:
            world.note(f"  refused: {refusal}")

    _by_user(world, random, f"{verb} {live.pk}", task)


@action(0.5, 0.4)
def edit_limits(world: World, random: Random) -> None:
    live = _strategy(random.choice(world.desks), random)
    limit = random.choice([1, 2, 3])
    if live is not None:
        chosen = LiveStrategy.objects.filter(pk=live.pk)
        _by_user(world, random, f"edit {live.pk}", lambda: chosen.update(max_positions=limit))


@action(0.15, 0.15)
def switch_mode(world: World, random: Random) -> None:
    user = User.objects.get(pk=random.choice(world.desks).account.user_id)
    mode = Mode.LIVE if user.mode == Mode.PAPER else Mode.PAPER
    chosen = User.objects.filter(pk=user.pk)
    _by_user(world, random, f"{user} to {mode}", lambda: chosen.update(mode=mode))


@action(0.3, 0.2)
def halt(world: World, random: Random) -> None:
    """Stop the entries of an account, or allow them again."""
    account = BrokerAccount.objects.get(pk=random.choice(world.desks).account.pk)
    since = None if account.entries_stopped else world.clocks.now
    chosen = BrokerAccount.objects.filter(pk=account.pk)
    _by_user(world, random, f"halt {account.pk} {since}", lambda: chosen.update(entries_stopped_at=since))


@action(0.8, 0.8)
def allow_all(world: World, random: Random) -> None:
    """One user's account trades again, whatever held it back."""
    desk = random.choice(world.desks)
    account = BrokerAccount.objects.filter(pk=desk.account.pk)
    if desk.broker is not None:
        desk.broker.blocked = ""

    def task() -> None:
        account.update(entries_stopped_at=None)
        User.objects.filter(pk=desk.account.user_id).update(mode=desk.account.mode)
        for live in desk.account.live_strategies.exclude(status=LiveStrategy.Status.ACTIVE).order_by("pk"):
            try:
                control(live, "start", world.clocks.now)
            except ControlRefused as refusal:
                world.note(f"  refused: {refusal}")

    _by_user(world, random, f"all entries of {desk.account.pk} are allowed", task)


@action(0.3, 0.4)
def press_deploy(world: World, random: Random) -> None:
    account = random.choice(world.desks).account
    user = User.objects.get(pk=account.user_id)
    strategy = user.strategies.order_by("pk").first()
    if strategy is None or user.mode != account.mode:  # it would open another account
        return

    def task() -> None:
        try:
            deploy(user, strategy, now=world.clocks.now)
        except DeployRefused as refusal:
            world.note(f"  refused: {refusal}")

    _by_user(world, random, f"deploy of {user}", task)


@action(0.02, 0.08)
def reset(world: World, random: Random) -> None:
    """Empty the simulated accounts."""
    if all(desk.broker is not None for desk in world.desks):
        return
    world.counts["resets"] += 1
    _by_user(world, random, "reset", lambda: reset_replay(world.clocks.wall))
