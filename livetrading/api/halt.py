"""Stop trading: request a halt, follow it, lift it."""

from datetime import datetime
from typing import Annotated

from ninja import Router, Status
from pydantic import Field

from livetrading.api.dashboard import EntriesStoppedSchema
from livetrading.models import Halt
from livetrading.pipeline.direct import act_without_workers
from livetrading.services import halt as halts
from livetrading.services.accounts import NoBroker
from livetrading.summaries.halt import HaltState, read_halt
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import read_clocks
from tradedesk.rest.bodies import Body, Text
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY, Problem, Refused
from tradedesk.rest.schemas import EmptyAsNull, Schema

router = Router()
OF_MODE = "paper or live: the mode whose accounts are meant. Without it, your current mode."


class HaltBody(Body):
    action: Text = Field(
        description="entries: no strategy opens a position. orders: entry orders are cancelled as well. flatten: "
        "all positions are sold as well, at the market. Exits and stops go on.",
        examples=["entries"],
    )
    reason: Annotated[Text, Field(max_length=300)] = ""
    mode: Text | None = Field(None, description=OF_MODE, examples=["live"])


class LiftBody(Body):
    confirm: Text = Field(description="The word RESUME.", examples=["RESUME"])
    mode: Text | None = Field(None, description=OF_MODE, examples=["live"])


class HaltStepSchema(Schema):
    """The halt that is running, or the last one in force. Times are wall times."""

    action: Halt.Action
    requested_by: str
    reason: Annotated[str | None, EmptyAsNull]
    requested_at: datetime = Field(validation_alias="requested_wall")
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None = Field(description="How long it took; null while it is running.")
    orders_to_cancel: int
    orders_cancelled: int
    positions_to_sell: int = Field(validation_alias="lots_to_sell")
    positions_sold: int = Field(validation_alias="lots_sold")
    error: Annotated[str | None, EmptyAsNull] = Field(description="Why the last step did not get further.")


class HaltSchema(Schema):
    """All accounts of one mode that are not revoked."""

    mode: str = Field(examples=["paper"])
    halted: bool = Field(validation_alias="is_halted", description="Whether one of the accounts is.")
    halted_accounts: list[int] = Field(description="The ids of those that are.")
    running: bool = Field(validation_alias="is_running", description="Whether something is left to do.")
    entries_stopped: EntriesStoppedSchema | None = Field(description="Null while entries are sent.")
    halt: HaltStepSchema | None
    operator: Annotated[str | None, EmptyAsNull] = Field(
        description="Who among the operators has set it: then only an operator lifts it.",
    )
    progress: Annotated[str | None, EmptyAsNull] = Field(examples=["3 of 5 lots sold"])
    waits_for: Annotated[str | None, EmptyAsNull] = Field(
        description="What sales that are on their way wait for.",
        examples=["The simulation fills a market order at the open of the next bar."],
    )


@router.get("/halt", response={200: HaltSchema, **BAD_QUERY})
def read_halt_state(request: UserRequest, mode: str | None = None) -> HaltSchema:
    """Whether trading is stopped, by whom and why, and how far it is. mode: paper or live; without it, your
    current mode."""
    return _schema(read_halt(request.user, _mode(request, mode)), read_clocks()[0])


@router.post("/halt", response={200: HaltSchema, 202: HaltSchema, **BAD_BODY, 409: Problem})
def stop_trading(request: UserRequest, body: HaltBody) -> Status[object]:
    """Stops the trading of all your accounts of the mode until it is lifted. 202: the entries are stopped, and the
    rest is being done. A repeated request changes nothing."""
    if body.action not in Halt.Action.values:
        raise Refused({"action": f"Choose {', '.join(Halt.Action.values)}."})
    user, mode, (now, wall_now) = request.user, _mode(request, body.mode), read_clocks()
    try:
        made = halts.request_all(user, mode, body.action, reason=body.reason, now=now, wall_now=wall_now)
    except NoBroker as error:
        return Status(409, Problem(detail=str(error)))
    act_without_workers([each.account_id for each in made], read_clocks)
    state = read_halt(user, mode)
    return Status(202 if state.is_running else 200, _schema(state, now))


@router.delete("/halt", response={204: None, **BAD_BODY, 409: Problem})
def resume_trading(request: UserRequest, body: LiftBody) -> Status[object]:
    """Lifts the halt. Its steps that are not done yet are dropped; orders that are on their way stay. What an
    operator has halted, only an operator lifts."""
    mode, (now, wall_now) = _mode(request, body.mode), read_clocks()
    try:
        halts.lift_all(request.user, mode, body.confirm, now=now, wall_now=wall_now)
    except halts.OperatorsHalt as refusal:
        return Status(409, Problem(detail=str(refusal)))
    except halts.NotLifted as refusal:
        raise Refused({"confirm": str(refusal)}) from None
    return Status(204, None)


def _schema(state: HaltState, now: datetime) -> HaltSchema:
    stopped = next(iter(state.halted), None)
    halted = [account.pk for account in state.halted]
    return HaltSchema.of(state, entries_stopped=stopped, halted_accounts=halted, waits_for=state.waits_for(now))


def _mode(request: UserRequest, mode: str | None) -> str:
    if mode is not None and mode not in Mode:
        raise Refused({"mode": f"Choose {', '.join(Mode.values)}."})
    return mode or request.user.mode
