"""Account rules: those of a new account, and adding, changing, switching, ordering and deleting them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from livetrading.models import AccountRule, BrokerAccount
from livetrading.models.account_rule import MOST_SYMBOLS
from livetrading.models.account_rule_kinds import KINDS, RuleKind, Values, default_limit
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record
from tradedesk.core.declarations import Unit
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol


class RuleRefused(Exception):
    """Why a rule is refused, by field; the messages can be shown to a person."""

    def __init__(self, **errors: str) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """What a trader may choose of a rule; each kind reads what it holds. limit: in the unit of the kind, fractions
    are fractions. Raises RuleRefused for a value that the kind does not allow."""

    kind: str
    limit: float | None = None
    symbols: Iterable[str] = ()
    window_start: time | None = None
    window_end: time | None = None
    flatten: bool = False
    enabled: bool = True
    columns: dict[str, Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        kind = KINDS.get(self.kind)
        if kind is None:
            raise RuleRefused(kind="Unknown kind of rule.")
        self.columns.update(
            limit=None,
            symbols=[],
            window_start=None,
            window_end=None,
            flatten=self.flatten and kind.stops,
            enabled=self.enabled,
        )
        if kind.values is Values.LIMIT:
            self.columns["limit"] = _limit(kind, self.limit)
        elif kind.values is Values.SYMBOLS:
            self.columns["symbols"] = _symbols(self.symbols)
        else:
            self.columns.update(_window(self.window_start, self.window_end))


def create_default_rules(account: BrokerAccount) -> None:
    """The rules of a new account: those that are declared as on."""
    on = [kind for kind in KINDS.values() if kind.on]
    AccountRule.objects.bulk_create(
        [
            AccountRule(account=account, kind=kind.key, limit=default_limit(kind), position=place)
            for place, kind in enumerate(on)
        ],
        ignore_conflicts=True,
    )


def add_rule(account: BrokerAccount, settings: RuleSettings, actor: User, wall_now: datetime) -> AccountRule:
    """Add a rule after the others. Raises RuleRefused when the account has one of this kind."""
    last = account.rules.aggregate(last=Max("position"))["last"]
    place = 0 if last is None else last + 1
    try:
        with transaction.atomic():
            rule = AccountRule.objects.create(
                account=account, kind=settings.kind, position=place, **settings.columns
            )
            record(actor, "rule_added", account, _audited(rule), wall_now)
    except IntegrityError:
        raise RuleRefused(kind=f"This account has the rule “{KINDS[settings.kind].label}” already.") from None
    bump_version(account.user_id)
    return rule


def change_rule(rule: AccountRule, settings: RuleSettings, actor: User, wall_now: datetime) -> None:
    """Give the rule these settings; its kind stays. A loss limit that has tripped stays tripped."""
    _update(rule, settings.columns, "rule_changed", actor, wall_now)


def switch_rule(rule: AccountRule, enabled: bool, actor: User, wall_now: datetime) -> None:
    _update(rule, {"enabled": enabled}, "rule_switched_on" if enabled else "rule_switched_off", actor, wall_now)


def move_rule(rule: AccountRule, steps: int, actor: User, wall_now: datetime) -> None:
    """Move the rule by so many places, down for a positive number."""
    _move(rule, lambda before: before + steps, actor, wall_now)


def move_rule_to(rule: AccountRule, place: int, actor: User, wall_now: datetime) -> None:
    """Move the rule to this place among those of its account, from 0."""
    _move(rule, lambda _: place, actor, wall_now)


def delete_rule(rule: AccountRule, actor: User, wall_now: datetime) -> None:
    with transaction.atomic():
        details = _audited(rule)
        if AccountRule.objects.filter(pk=rule.pk).delete()[0]:
            record(actor, "rule_deleted", rule.account, details, wall_now)
    bump_version(rule.account.user_id)


def forget_history(accounts: Iterable[int]) -> None:
    """Rules of accounts whose records were emptied: they stay, what they have blocked and tripped does not."""
    AccountRule.objects.filter(account__in=list(accounts)).update(
        blocked_count=0, last_blocked_at=None, last_blocked_reason="", tripped_at=None, tripped_reason=""
    )


def _move(rule: AccountRule, place_of: Callable[[int], int], actor: User, wall_now: datetime) -> None:
    """Move the rule, and number all rules of the account anew."""
    with transaction.atomic():
        account = BrokerAccount.locked(rule.account_id)
        ids = list(account.rules.values_list("pk", flat=True))
        if rule.pk not in ids:
            return  # it was deleted meanwhile
        before = ids.index(rule.pk)
        after = max(0, min(place_of(before), len(ids) - 1))
        ids.insert(after, ids.pop(before))
        for place, pk in enumerate(ids):
            account.rules.filter(pk=pk).exclude(position=place).update(position=place)
        if after != before:
            details = {"rule": rule.kind, "before": before, "after": after}
            record(actor, "rule_moved", account, details, wall_now)
    bump_version(account.user_id)


def _update(rule: AccountRule, columns: Mapping[str, Any], action: str, actor: User, wall_now: datetime) -> None:
    before = _audited(rule)
    with transaction.atomic():
        if not AccountRule.objects.filter(pk=rule.pk).update(**columns):
            return  # it was deleted meanwhile
        rule.refresh_from_db()
        record(actor, action, rule.account, {"before": before, "after": _audited(rule)}, wall_now)
    bump_version(rule.account.user_id)


def _audited(rule: AccountRule) -> dict[str, Any]:
    names = ("kind", "limit", "symbols", "window_start", "window_end", "flatten", "enabled", "position")
    return {name: getattr(rule, name) for name in names}


def _limit(kind: RuleKind, value: float | None) -> Decimal:
    # `not (low <= value <= high)` also refuses NaN.
    if value is None or not kind.low <= value <= kind.high:
        scale, unit = (100, "%") if kind.unit is Unit.FRACTION else (1, " dollars" * (kind.unit is Unit.DOLLARS))
        bounds = f"{kind.low * scale:,.10g} and {kind.high * scale:,.10g}{unit}"
        raise RuleRefused(limit=f"The limit must be between {bounds}.")
    if kind.unit is Unit.COUNT and value != int(value):
        raise RuleRefused(limit="The limit must be a whole number.")
    return Decimal(repr(float(value))).quantize(Decimal("0.000001"))


def _symbols(given: Iterable[str]) -> list[str]:
    try:
        symbols = sorted({clean_symbol(symbol) for symbol in given})
    except InvalidSymbol as error:
        raise RuleRefused(symbols=str(error)) from None
    if not symbols:
        raise RuleRefused(symbols="Name at least one symbol.")
    if len(symbols) > MOST_SYMBOLS:
        raise RuleRefused(symbols=f"A rule has at most {MOST_SYMBOLS} symbols.")
    return symbols


def _window(start: time | None, end: time | None) -> dict[str, time]:
    if start is None or end is None:
        raise RuleRefused(window_start="Give both times of the window.")
    if start == end:
        raise RuleRefused(window_end="The window must end at another time than it starts.")
    return {"window_start": start, "window_end": end}
