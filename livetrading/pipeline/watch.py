"""Watch the losses of an account at every tick, signal or not: each loss limit that is reached trips exactly once.

A daily loss stops entries until the next day. A max drawdown is a kill switch: it halts the account, as chosen
with the rule, until a person lifts the halt; the peak then starts again from the equity of that time.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from livetrading.models import AccountRule, BrokerAccount, Halt
from livetrading.models.account_rule_kinds import KINDS
from livetrading.pipeline.account_figures import equity_of, holds, values_of
from livetrading.pipeline.account_rules import AccountFigures, is_reached, tripped_reason
from livetrading.pipeline.awaited_money import awaited_money, peak_of, without_awaited_fall
from livetrading.services import halt
from livetrading.services.risk_notifications import notify_kill_switch, notify_peak_restarted, notify_rule_tripped
from tradedesk.accounts.changes import bump_version
from tradedesk.audit.origin import DESK
from tradedesk.audit.services import record
from tradedesk.marketdata.quotes import market_day
from tradedesk.marketdata.sessions import daily_time

KILL_SWITCH = "the kill switch"
_LOSSES = [kind.key for kind in KINDS.values() if kind.trips]


def watch(account: BrokerAccount, now: datetime, wall_now: datetime) -> bool:
    """Trip the loss limits that the equity of the last report has reached. Returns whether the pages have to
    change. One query for an account without enabled loss limits."""
    rules = list(account.rules.filter(kind__in=_LOSSES, enabled=True))
    if not rules:
        return False
    current = BrokerAccount.objects.select_related("user").get(pk=account.pk)
    if current.epoch != account.epoch:
        return False  # the records were emptied since this tick began
    changed = False
    lifted = [rule for rule in rules if rule.declared.stops and rule.tripped_at and not current.entries_stopped]
    if lifted:
        changed = _restart_peak(current, lifted, now, wall_now)
        current.refresh_from_db(fields=["peak_equity"])
    awaited = awaited_money(current, now)
    if current.equity is not None:
        current.equity = without_awaited_fall(current.equity, awaited)
    figures = equity_of(current, now)
    for rule in rules:
        if rule not in lifted and not holds(rule, now) and is_reached(values_of(rule, now), figures):
            changed |= _trip(current, rule, figures, now, wall_now)
    if changed:
        bump_version(account.user_id)
    return changed


def _trip(
    account: BrokerAccount, rule: AccountRule, figures: AccountFigures, now: datetime, wall_now: datetime
) -> bool:
    """With the halt and the notification in one transaction, so that a crash leaves all of it or nothing."""
    reason = tripped_reason(values_of(rule, now), figures)
    free = Q(tripped_at=None)
    if not rule.declared.stops:
        free |= Q(tripped_at__lt=daily_time(market_day(now)))
    with transaction.atomic():
        # Everything that changes a rule locks its account first.
        BrokerAccount.locked(account.pk)
        tripped = AccountRule.objects.filter(free, pk=rule.pk, enabled=True)
        if not tripped.update(tripped_at=now, tripped_reason=reason[:300]):
            return False
        if rule.declared.stops:
            action = Halt.Action.FLATTEN if rule.flatten else Halt.Action.ORDERS
            notify_kill_switch(account, reason, flatten=rule.flatten, now=now)
            halt.request(account, action, by=KILL_SWITCH, reason=reason, now=now, wall_now=wall_now)
        else:
            notify_rule_tripped(account, reason, now)
        record(DESK, "rule_tripped", account, {"rule": rule.kind, "reason": reason}, wall_now)
    return True


def _restart_peak(account: BrokerAccount, lifted: list[AccountRule], now: datetime, wall_now: datetime) -> bool:
    """The halt of these kill switches was lifted: without a new peak they would trip again at once."""
    with transaction.atomic():
        locked = BrokerAccount.locked(account.pk)
        again = locked.rules.filter(pk__in=[rule.pk for rule in lifted], tripped_at__isnull=False)
        if locked.entries_stopped or not again.update(tripped_at=None, tripped_reason=""):
            return False
        peak = None if locked.equity is None else peak_of(locked.equity, awaited_money(locked, now))
        BrokerAccount.objects.filter(pk=locked.pk).update(peak_equity=peak, peak_restarted_at=now)
        notify_peak_restarted(locked, now)
        details = {"before": locked.peak_equity, "after": peak}
        record(DESK, "peak_restarted", locked, details, wall_now)
    return True
