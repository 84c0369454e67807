"""The rules of your account, with their current readings."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Annotated, Literal

from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from livetrading.models import AccountRule
from livetrading.models.account_rule import MOST_SYMBOLS
from livetrading.models.account_rule_kinds import KINDS
from livetrading.pipeline.account_figures import read_figures
from livetrading.pipeline.in_flight import read_in_flight
from livetrading.services import account_rules as rules
from livetrading.services.accounts import NoBroker, active_account
from livetrading.summaries.account import find_account
from livetrading.summaries.risk_rules import RuleRow, row_of
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.bodies import Body, Text, Whole
from tradedesk.rest.pages import MappedQuerySet, in_pages
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY, UNKNOWN, Problem, Refused, find
from tradedesk.rest.schemas import EmptyAsNull, Schema

router = Router()
KIND_NAMES = ", ".join(KINDS)


class RuleValuesBody(Body):
    """A rule holds a limit, a list of symbols, or a window; the rest is ignored."""

    limit: float | None = Field(None, description="Dollars, a number, or a fraction: 0.5 is 50%.", examples=[0.5])
    symbols: list[Text] = Field(default_factory=list, max_length=MOST_SYMBOLS, examples=[["GME"]])
    window_start: Text | None = Field(None, max_length=8, description="New York time.", examples=["09:30"])
    window_end: Text | None = Field(None, max_length=8, description="New York time.", examples=["16:30"])
    positions: Literal["keep", "flatten"] = Field(
        "keep", description="Of a max drawdown: whether it sells all positions when it is reached."
    )
    enabled: bool = True


class NewRuleBody(RuleValuesBody):
    kind: Text = Field(description=f"One of {KIND_NAMES}.", max_length=24, examples=["exposure_symbol"])


class ChangedRuleBody(RuleValuesBody):
    """The kind of a rule stays."""

    position: Whole | None = Field(None, ge=0, description="Its place among the rules, from 0. Default: as it is.")


class RuleSchema(Schema):
    id: int
    kind: str = Field(examples=["exposure_symbol"])
    label: str = Field(examples=["Exposure of one symbol"])
    unit: str = Field(description="Of limit and reading: fraction, dollars or count.", examples=["fraction"])
    limit: float | None
    symbols: list[str]
    window_start: time | None
    window_end: time | None
    positions: str = Field(description="keep or flatten.")
    enabled: bool
    position: int
    reading: float | None = Field(description="Without a new entry; null where there is none or it is not known.")
    blocked_count: int
    last_blocked_at: datetime | None
    last_blocked_reason: Annotated[str | None, EmptyAsNull]
    tripped_at: datetime | None = Field(description="When a loss limit was reached that still holds.")
    tripped_reason: Annotated[str | None, EmptyAsNull]


@router.get("/risk-rules", response={200: list[RuleSchema], **BAD_QUERY})
@in_pages
def list_risk_rules(request: UserRequest) -> MappedQuerySet[AccountRule]:
    """The rules of your account in your current mode, in the order in which they are asked."""
    account = find_account(request.user, request.user.mode)
    own = AccountRule.objects.filter(account=account, kind__in=KINDS).select_related("account__user")
    return MappedQuerySet(own, _schemas)


@router.get("/risk-rules/{int:rule_id}", response={200: RuleSchema, **UNKNOWN})
def read_risk_rule(request: UserRequest, rule_id: int) -> RuleSchema:
    return _schema(_own(request, rule_id))


@router.post("/risk-rules", response={201: RuleSchema, **BAD_BODY, 409: Problem})
def add_risk_rule(request: UserRequest, rule: NewRuleBody) -> Status[object]:
    """Adds a rule after the others. An account has each kind once. The first rule opens the paper account."""
    settings = _settings(rule.kind, rule)
    try:
        account = active_account(request.user.pk, request.user.mode, timezone.now())
        added = rules.add_rule(account, settings, request.user, timezone.now())
    except NoBroker as error:
        return Status(409, Problem(detail=str(error)))
    except rules.RuleRefused as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(201, _schema(_own(request, added.pk)))


@router.put("/risk-rules/{int:rule_id}", response={200: RuleSchema, **UNKNOWN, **BAD_BODY})
def change_risk_rule(request: UserRequest, rule_id: int, rule: ChangedRuleBody) -> RuleSchema:
    """Replaces the values of a rule."""
    known = _own(request, rule_id)
    now = timezone.now()
    rules.change_rule(known, _settings(known.kind, rule), request.user, now)
    if rule.position is not None:
        rules.move_rule_to(known, rule.position, request.user, now)
    return _schema(_own(request, rule_id))


@router.delete("/risk-rules/{int:rule_id}", response={204: None, **UNKNOWN})
def delete_risk_rule(request: UserRequest, rule_id: int) -> Status[None]:
    rules.delete_rule(_own(request, rule_id), request.user, timezone.now())
    return Status(204, None)


def _own(request: UserRequest, rule_id: int) -> AccountRule:
    own = AccountRule.objects.filter(account__user=request.user, kind__in=KINDS)
    return find(own.select_related("account__user"), rule_id)


def _settings(kind: str, values: RuleValuesBody) -> rules.RuleSettings:
    try:
        return rules.RuleSettings(
            kind=kind,
            limit=values.limit,
            symbols=values.symbols,
            window_start=_time("window_start", values.window_start),
            window_end=_time("window_end", values.window_end),
            flatten=values.positions == "flatten",
            enabled=values.enabled,
        )
    except rules.RuleRefused as refusal:
        raise Refused(refusal.errors) from None


def _time(field: str, text: str | None) -> time | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of day in New York
    except ValueError:
        raise Refused({field: "Write a time like 09:30."}) from None


def _schema(rule: AccountRule) -> RuleSchema:
    return _schemas([rule])[0]


def _schemas(page: Sequence[AccountRule]) -> list[RuleSchema]:
    """page: rules of one account."""
    if not page:
        return []
    account, now = page[0].account, market_clock().now()
    figures = read_figures(account, read_in_flight(account), now)
    return [_with_reading(row_of(rule, figures, now)) for rule in page]


def _with_reading(row: RuleRow) -> RuleSchema:
    rule = row.rule
    return RuleSchema.of(
        rule,
        label=row.kind.label,
        unit=row.kind.unit.value,
        positions="flatten" if rule.flatten else "keep",
        reading=row.reading,
        tripped_at=rule.tripped_at if row.holds else None,
        tripped_reason=rule.tripped_reason if row.holds else "",
    )
