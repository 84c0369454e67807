"""Your broker accounts: add, test, activate and revoke them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from livetrading.credentials import Credentials
from livetrading.models import BrokerAccount
from livetrading.services import broker_accounts as accounts
from livetrading.summaries.broker_accounts import AccountRow, accounts_of, rows_of
from tradedesk.accounts.fresh_password import require_fresh_password
from tradedesk.accounts.requests import UserRequest
from tradedesk.rest.bodies import Body, Secret, Text
from tradedesk.rest.pages import MappedQuerySet, in_pages
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY, UNKNOWN, Problem, Refused, find
from tradedesk.rest.schemas import EmptyAsNull, Schema

router = Router(tags=["broker accounts"])
configuring = Router(tags=["broker accounts"])


class BrokerAccountBody(Body):
    broker: Text = Field(description="alpaca, or paper for the simulation of the desk.", examples=["alpaca"])
    mode: Text = Field(description="paper or live.", examples=["paper"])
    name: Text = Field(examples=["Alpaca paper"])
    key_id: Secret | None = Field(None, description="Not for the simulation. Never sent back.")
    secret: Secret | None = Field(None, description="Not for the simulation. Never sent back.")


class OutsideSchema(Schema):
    symbol: str
    quantity: Decimal


class ReportSchema(Schema):
    """Dollars."""

    number: str = Field(description="The last four characters of the account number.")
    status: str = Field(description="The broker's own word.")
    equity: Decimal
    cash: Decimal
    buying_power: Decimal
    blocked: Annotated[str | None, EmptyAsNull] = Field(description="Why the broker accepts no orders.")
    shorting: bool | None = Field(description="Null where the broker does not say.")
    outside: list[OutsideSchema] = Field(description="Shares that the desk did not buy; the first ten symbols.")
    outside_count: int


class ConnectionTestSchema(Schema):
    """Times are wall times."""

    state: str = Field(description="queued, running, passed, failed, or lost: no worker has run it in a minute.")
    requested_at: datetime
    finished_at: datetime | None
    problem: Annotated[str | None, EmptyAsNull] = Field(description="Why it failed.")
    report: Annotated[ReportSchema | None, EmptyAsNull] = Field(description="What the broker says of the account.")


class BrokerAccountSchema(Schema):
    id: int
    broker: str = Field(examples=["alpaca"])
    mode: str = Field(examples=["paper"])
    name: str
    active: bool = Field(description="Whether new deployments of this mode use it.")
    connection: str = Field(description="connected, degraded, blocked, testing, untested or failed.")
    key: Annotated[str | None, EmptyAsNull] = Field(
        validation_alias="key_hint", description="The last four characters of the key id."
    )
    number: Annotated[str | None, EmptyAsNull] = Field(description="The last four characters.")
    verified_at: datetime | None = Field(description="Wall time of the last test that passed.")
    equity: Decimal | None = Field(description="As the broker last reported it, in dollars.")
    buying_power: Decimal | None
    test: ConnectionTestSchema | None


@router.get("", response={200: list[BrokerAccountSchema], **BAD_QUERY})
@in_pages
def list_broker_accounts(request: UserRequest) -> MappedQuerySet[BrokerAccount]:
    """Your accounts that are not revoked: live before paper, the active one of each mode first."""
    return MappedQuerySet(accounts_of(request.user), _schemas)


@router.post("", response={201: BrokerAccountSchema, **BAD_BODY, 403: Problem, 409: Problem})
def add_broker_account(request: UserRequest, account: BrokerAccountBody) -> Status[object]:
    """Adds an account and queues its test: read the list for the result. A simulation works at once."""
    return _add(request, account, activate=False)


@router.post("/{int:account_id}/test", response={200: BrokerAccountSchema, **UNKNOWN, 409: Problem})
def test_broker_account(request: UserRequest, account_id: int) -> Status[object]:
    """Queues a test, unless one is running: read the list for the result."""
    account = find(accounts_of(request.user), account_id)
    try:
        accounts.request_test(account, by=request.user, wall_now=timezone.now())
    except accounts.AccountRefused as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(200, _schema(request, account_id))


@router.post(
    "/{int:account_id}/activate", response={200: BrokerAccountSchema, **UNKNOWN, 403: Problem, 409: Problem}
)
def activate_broker_account(request: UserRequest, account_id: int) -> Status[object]:
    """Makes it the active account of its mode. What runs in another account goes on there. In a browser session
    it needs a fresh password (403), as adding and revoking do."""
    require_fresh_password(request)
    account = find(accounts_of(request.user), account_id)
    try:
        accounts.activate_account(account, by=request.user, wall_now=timezone.now())
    except accounts.AccountRefused as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(200, _schema(request, account_id))


@router.delete("/{int:account_id}", response={204: None, **UNKNOWN, 403: Problem, 409: Problem})
def revoke_broker_account(request: UserRequest, account_id: int) -> Status[object]:
    """Deletes the keys permanently and pauses the live strategies of the account; its history stays. 409 while
    something is held or an order is working."""
    require_fresh_password(request)
    account = find(accounts_of(request.user), account_id)
    try:
        accounts.revoke_account(account, by=request.user, wall_now=timezone.now())
    except accounts.AccountRefused as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(204, None)


@configuring.post("", response={201: BrokerAccountSchema, **BAD_BODY, 403: Problem, 409: Problem})
def configure(request: UserRequest, account: BrokerAccountBody) -> Status[object]:
    """Adds an account, queues its test, and makes it the active one of its mode when the test passes."""
    return _add(request, account, activate=True)


def _add(request: UserRequest, body: BrokerAccountBody, *, activate: bool) -> Status[object]:
    require_fresh_password(request)
    has_keys = body.key_id is not None or body.secret is not None
    keys = Credentials(key_id=body.key_id or "", secret=body.secret or "") if has_keys else None
    try:
        added = accounts.add_account(
            request.user, body.broker, body.mode, body.name, keys, activate=activate, wall_now=timezone.now()
        )
    except accounts.AccountRefused as refusal:
        if refusal.field:
            raise Refused({refusal.field: str(refusal)}) from None
        return Status(409, Problem(detail=str(refusal)))
    return Status(201, _schema(request, added.pk))


def _schema(request: UserRequest, account_id: int) -> BrokerAccountSchema:
    return _schemas([find(accounts_of(request.user), account_id)])[0]


def _schemas(page: Sequence[BrokerAccount]) -> list[BrokerAccountSchema]:
    return [_of_row(row) for row in rows_of(page, timezone.now())]


def _of_row(row: AccountRow) -> BrokerAccountSchema:
    test = row.test and ConnectionTestSchema.of(row.test, state="lost" if row.lost else row.test.state)
    return BrokerAccountSchema.of(row.account, connection=row.connection.value, number=row.number, test=test)
