"""The reset of the paper accounts."""

from decimal import Decimal

from ninja import Router, Status
from pydantic import Field

from livetrading.services.reset import NotReset, check_balance, reset_paper
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import read_clocks
from tradedesk.rest.bodies import Body
from tradedesk.rest.refusals import BAD_BODY, Problem, Refused
from tradedesk.rest.schemas import Schema

router = Router(tags=["paper account"])


class ResetBody(Body):
    confirm: bool = Field(description="True says that all of it may be archived.")
    balance: float | None = Field(None, description="Dollars of the new balance. Null: the starting cash.")


class ResetSchema(Schema):
    """What has moved to the archive. strategies: paper deployments; running: those that were stopped."""

    balance: float
    strategies: int
    running: int
    trades: int
    positions: int
    orders: int = Field(description="Working orders that were cancelled.")


@router.post("/reset", response={200: ResetSchema, **BAD_BODY, 409: Problem})
def reset_paper_account(request: UserRequest, body: ResetBody) -> Status[object]:
    """Stops your paper strategies, archives the trades, positions and orders of the simulated accounts and lets
    these start again. Accounts at a broker, paper or live, are not touched. 409: there is no simulated account."""
    if not body.confirm:
        raise Refused({"confirm": "Send confirm: true. This cannot be taken back."})
    now, wall_now = read_clocks()
    balance = None if body.balance is None else Decimal(repr(body.balance))
    try:
        if balance is not None:
            check_balance(balance)
    except NotReset as refusal:
        raise Refused({"balance": str(refusal)}) from None
    try:
        done = reset_paper(request.user, now, wall_now, by=request.user, balance=balance)
    except NotReset as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(200, ResetSchema.model_validate(done))
