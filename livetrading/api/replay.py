"""The replay market: its state and its controls."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

from django.conf import settings
from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from livetrading.services import replay_control as controls
from tradedesk.accounts.models import User
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock, market_status
from tradedesk.rest.bodies import Body, Day, Text, Whole
from tradedesk.rest.refusals import BAD_BODY, Problem, Refused, Responses
from tradedesk.rest.schemas import EmptyAsNull, Schema

router = Router(tags=["replay"])
REFUSED: Responses = {401: Problem, 403: Problem, 409: Problem}


class SpeedBody(Body):
    speed: Whole = Field(description="1 or 10 times REPLAY_SECONDS_PER_BAR.", examples=[10])


class JumpBody(Body):
    date: Day = Field(description="A later date of the samples.", examples=["2010-06-01"])


class RestartBody(Body):
    confirm: Text = Field("", description="The word RESTART, where something is deleted.", examples=["RESTART"])
    start: Day | None = Field(None, description="The first day. Null for the desk's usual one (REPLAY_START).")


class ReplaySchema(Schema):
    """The replay is shared by all users of the desk."""

    state: str = Field(description="playing, paused, jumping or ended.", examples=["playing"])
    session: date = Field(description="The session that has just closed.", examples=["2010-03-08"])
    market_time: datetime
    speed: int = Field(examples=[1])
    seconds_per_session: float = Field(description="At this speed, at least.", examples=[5.0])
    jump_to: date | None = Field(description="The session that it runs to, the work of each session done.")
    waiting_for: Annotated[str | None, EmptyAsNull] = Field(examples=["3 checks"])
    moved_without: Annotated[str | None, EmptyAsNull] = Field(
        description="What it no longer waited for when it moved to this session."
    )
    control_problem: Annotated[str | None, EmptyAsNull] = Field(
        description="Why you may not control it; null when you may."
    )


@router.get("", response={200: ReplaySchema, 401: Problem, 409: Problem})
def read_replay(request: UserRequest) -> Status[object]:
    """What the replay shows and how it plays. 409 on a desk that trades on the real market."""
    if settings.MARKET != "replay":
        return Status(409, Problem(detail=controls.NO_REPLAY))
    return Status(200, _state(request.user))


@router.post("/pause", response={200: ReplaySchema, **REFUSED})
def pause_replay(request: UserRequest) -> Status[object]:
    """Stays at this session until it is resumed; a jump ends here. Checks, orders and fills of the session go
    on. A repeated request changes nothing."""
    return _controlled(request, lambda user, wall_now: controls.pause(user, wall_now))


@router.post("/speed", response={200: ReplaySchema, **REFUSED, **BAD_BODY})
def play_replay(request: UserRequest, body: SpeedBody) -> Status[object]:
    """Plays from here at this speed, also after a pause; a jump ends here."""
    return _controlled(request, lambda user, wall_now: controls.play(user, body.speed, wall_now), "speed")


@router.post("/jump", response={200: ReplaySchema, **REFUSED, **BAD_BODY})
def jump_replay(request: UserRequest, body: JumpBody) -> Status[object]:
    """Runs to the first session on or after a later date, as fast as the checks, orders and fills of each session
    allow: none is left out. A date that has passed needs a restart."""
    return _controlled(request, lambda user, wall_now: controls.jump(user, body.date, wall_now), "date")


@router.post("/restart", response={200: ReplaySchema, **REFUSED, **BAD_BODY})
def restart_replay(request: UserRequest, body: RestartBody) -> Status[object]:
    """Empties the paper accounts of all users and plays from the start. 400 says what is deleted; repeat it with
    the word."""
    try:
        return _controlled(
            request,
            lambda user, wall_now: controls.restart(user, wall_now, confirm=body.confirm, start=body.start),
            "start",
        )
    except controls.NotConfirmed as refusal:
        return Status(400, Problem(detail=str(refusal)))


def _controlled(request: UserRequest, act: Callable[[User, datetime], object], field: str = "") -> Status[object]:
    """field: of the body, that a wrong value is in."""
    try:
        act(request.user, timezone.now())
    except controls.NotConfirmed:
        raise
    except controls.NotAllowed as refusal:
        return Status(403, Problem(detail=str(refusal)))
    except controls.WrongValue as refusal:
        raise Refused({field: str(refusal)}) from None
    except controls.NotControlled as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(200, _state(request.user))


def _state(user: User) -> ReplaySchema:
    status = market_status()
    return ReplaySchema.of(
        status,
        state=status.state,
        market_time=market_clock().now(),
        speed=status.play.speed,
        seconds_per_session=status.seconds_per_bar,
        jump_to=status.play.jump_to,
        control_problem=controls.control_problem(user),
    )
