"""The mode: paper or live money."""

from datetime import datetime

from ninja import Router, Status
from pydantic import Field

from livetrading.services import mode as modes
from livetrading.summaries.mode import read_mode
from tradedesk.accounts.fresh_password import require_fresh_password
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import read_clocks
from tradedesk.rest.bodies import Body, Text
from tradedesk.rest.refusals import BAD_BODY, NO_USER, Problem, Refused
from tradedesk.rest.schemas import Schema

router = Router(tags=["mode"])


class ModeBody(Body):
    mode: Text = Field(description="paper or live.", examples=["live"])
    confirm_live: bool = Field(False, description="True says that live strategies may use real money.")


class ModeSchema(Schema):
    active_mode: Mode = Field(description="New deployments use it, and only its entries are sent.")
    last_mode_change: datetime | None = Field(description="Wall time. Null before the first change.")
    paper_balance: float | None = Field(
        description="Dollars of cash in the paper account. Null before its broker's first report.",
        examples=[100_000],
    )
    paper_realized_pnl: float = Field(description="Dollars of all sales on paper, after commissions.")
    is_live_broker_configured: bool = Field(
        description="Whether a live account is active whose keys have passed their test."
    )


@router.get("", response={200: ModeSchema, **NO_USER})
def read_current_mode(request: UserRequest) -> ModeSchema:
    """Whether orders use paper money or real money."""
    return ModeSchema.model_validate(read_mode(request.user))


@router.post("", response={200: ModeSchema, **BAD_BODY, 403: Problem, 409: Problem, 429: Problem})
def change_mode(request: UserRequest, body: ModeBody) -> Status[object]:
    """Switches to paper or to live. To live needs `confirm_live` (400 without it), verified keys of a live account
    (409) and, where the desk demands it, two-factor log-in (403), in a browser session also a fresh password
    (403); 429 after too many switches. Exits and protection go on in either mode."""
    if body.mode not in Mode.values:
        raise Refused({"mode": f"Choose {', '.join(Mode.values)}."})
    if body.mode == Mode.LIVE:
        require_fresh_password(request)
    now, wall_now = read_clocks()
    try:
        modes.switch_mode(request.user, body.mode, confirmed=body.confirm_live, now=now, wall_now=wall_now)
    except modes.NotConfirmed:
        return Status(400, Problem(detail="Send confirm_live: true. Live strategies then use real money."))
    except modes.NoSecondFactor as refusal:
        return Status(403, Problem(detail=str(refusal)))
    except modes.TooOften as refusal:
        return Status(429, Problem(detail=str(refusal)))
    except modes.NotSwitched as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(200, ModeSchema.model_validate(read_mode(request.user)))
