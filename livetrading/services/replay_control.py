"""Who may control the replay market, and what they may do: pause, speed, jump, restart."""

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from livetrading.models import BrokerAccount, LiveStrategy, Order, PaperTrade
from livetrading.services.reset import reset_replay
from livetrading.services.wording import counted
from tradedesk.accounts.models import User
from tradedesk.audit.services import record
from tradedesk.marketdata import replay
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.pacing import SPEEDS
from tradedesk.marketdata.samples import FIRST_SESSION, LAST_SESSION

RESTART = "RESTART"
NO_REPLAY = "This desk trades on the real market; there is no replay to control."
SHARED = "All users of this desk share the replay, so only an operator controls it."
ENDED = "The replay has ended. Restart it to play again."
_PAPER = BrokerAccount.Broker.PAPER


class NotControlled(Exception):
    """Why the replay does not do this; the message can be shown to a person."""


class NotAllowed(NotControlled):
    """This user may not control the replay."""


class WrongValue(NotControlled):
    """A date or a speed that the replay does not have."""


class NotConfirmed(NotControlled):
    """A restart deletes something, and the word was not typed."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What a restart deletes, of all users together."""

    users: int
    deployments: int
    open_positions: int
    trades: int
    orders: int

    @property
    def nothing(self) -> bool:
        return not (self.deployments or self.trades or self.orders)

    def __str__(self) -> str:
        if self.nothing:
            return "Nothing is deleted: no paper account has traded."
        parts = (
            counted(self.deployments, "paper deployment"),
            f"{counted(self.trades, 'trade')} ({self.open_positions:,} open)",
            counted(self.orders, "order"),
        )
        return f"Deletes {', '.join(parts)} of {counted(self.users, 'user')}."


def control_problem(user: User) -> str:
    """Why this user may not control the replay; "" for an operator and for the only user of the desk. No query for
    an operator, one for others."""
    if user.is_staff or not User.objects.filter(is_active=True).exclude(pk=user.pk).exists():
        return ""
    return SHARED


def losses() -> Losses:
    """Five queries."""
    paper = {"account__broker": _PAPER}
    trades = PaperTrade.objects.filter(**paper)
    deployed = LiveStrategy.with_deleted.filter(**paper)
    own = (PaperTrade.objects.filter(account=OuterRef("pk")), deployed.filter(account=OuterRef("pk")))
    used = BrokerAccount.objects.filter(Exists(own[0]) | Exists(own[1]), broker=_PAPER)
    return Losses(
        users=used.order_by().values("user").distinct().count(),
        deployments=deployed.count(),
        open_positions=trades.filter(exit_time=None).count(),
        trades=trades.count(),
        orders=Order.objects.filter(**paper).count(),
    )


def pause(user: User, wall_now: datetime) -> bool:
    """Returns whether it played before."""
    with transaction.atomic():
        market = _controlled(user, wall_now)
        changed = replay.pause()
        if changed:
            record(user, "replay_paused", market, {"session": str(market.session)}, wall_now)
    return changed


def play(user: User, speed: int, wall_now: datetime) -> bool:
    """Play at this speed, also after a pause. Returns whether that changed something."""
    if speed not in SPEEDS:
        raise WrongValue(f"The speed must be {' or '.join(map(str, SPEEDS))}.")
    with transaction.atomic():
        market = _controlled(user, wall_now)
        changed = replay.play(speed, wall_now)
        if changed:
            record(user, "replay_speed", market, {"session": str(market.session), "speed": speed}, wall_now)
    return changed


def jump(user: User, day: date, wall_now: datetime) -> date:
    """Run to the first session on or after `day`, which must be later. Returns that session."""
    if not FIRST_SESSION <= day <= LAST_SESSION:
        raise WrongValue(f"Choose a date from {FIRST_SESSION} to {LAST_SESSION}.")
    target = replay.session_on(day)
    with transaction.atomic():
        market = _controlled(user, wall_now)
        if target == market.session:
            raise WrongValue(f"The replay is at {target} already.")
        if target < market.session:
            raise WrongValue(f"{target} has passed. To play it again, restart the replay at that date.")
        if replay.jump(target, wall_now):
            record(user, "replay_jump", market, {"session": str(market.session), "to": str(target)}, wall_now)
    return target


def restart(user: User, wall_now: datetime, *, confirm: str, start: date | None = None) -> int:
    """Empty all paper accounts and play from `start`, REPLAY_START when it is None. Returns the number of deleted
    deployments. Where something is deleted, `confirm` must be the word."""
    if start is not None and not FIRST_SESSION <= start < LAST_SESSION:
        raise WrongValue(f"Choose a date from {FIRST_SESSION} up to the day before {LAST_SESSION}.")
    _require_allowed(user)
    if confirm.strip() != RESTART and not (found := losses()).nothing:
        raise NotConfirmed(f"{found} Confirm with the word {RESTART}.")
    return reset_replay(wall_now, start=start, by=user)


def _controlled(user: User, wall_now: datetime) -> ReplayMarket:
    _require_allowed(user)
    replay.ensure_started(wall_now)
    market = ReplayMarket.objects.get(pk=replay.ROW)
    if market.ended:
        raise NotControlled(ENDED)
    return market


def _require_allowed(user: User) -> None:
    if settings.MARKET != "replay":
        raise NotControlled(NO_REPLAY)
    if problem := control_problem(user):
        raise NotAllowed(problem)
