"""The balance of an account: the broker's cash, equity and positions, compared with the desk's records."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Case, F, Value, When

from livetrading.brokers.protocol import AccountReport, Broker, BrokerPosition
from livetrading.models import AccountDay, BrokerAccount, Incident
from livetrading.models.position import position_model
from livetrading.pipeline.awaited_money import Differences, awaited_money, follow_awaited, peak_of
from livetrading.services.incidents import Difference, follow_differences
from tradedesk.core.money import CENT, DUST
from tradedesk.marketdata.quotes import market_day

log = logging.getLogger(__name__)
ONE_DAY = timedelta(days=1)
State, Kind = BrokerAccount.State, Incident.Kind


@dataclass(frozen=True, slots=True)
class Balance:
    """equity: in dollars, held: the shares by symbol; None when the broker did not report them. changed: whether
    the pages have to change. prices: the newest ones that the broker knows of what is held."""

    equity: float | None
    held: Mapping[str, Decimal] | None
    changed: bool
    prices: Mapping[str, Decimal] = field(default_factory=dict)


def take_over_balance(
    account: BrokerAccount, broker: Broker, now: datetime, complete: Callable[[], bool], *, problem: str = ""
) -> Balance:
    """Store the broker's report as the account's snapshot, and follow the differences from our records; they are
    never adopted. A broker that does not report its balance stops nothing else: exits do not need it. complete:
    whether the desk has all activities up to the report, with which the booked cash begins. problem: what else
    the broker did not report, for which the account is degraded."""
    try:
        report, positions = broker.account(), broker.positions()
        begins = account.booked_cash is None and complete()
    except Exception as error:
        log.exception("The balance of account %s could not be read", account.pk)
        reason = f"The broker did not report the account's balance: {str(error) or type(error).__name__}"[:300]
        BrokerAccount.objects.filter(pk=account.pk, epoch=account.epoch).update(
            state=Case(When(state=State.BLOCKED, then=F("state")), default=Value(State.DEGRADED)),
            state_reason=reason,
            reconciled_at=now,
            failures=F("failures") + 1,
        )
        return Balance(None, None, account.state != State.DEGRADED)
    with transaction.atomic():
        locked = BrokerAccount.locked(account.pk)
        if locked.epoch != account.epoch:
            return Balance(None, None, False)  # the records were emptied since this tick began
        if begins and locked.booked_cash is None:
            locked.booked_cash = report.cash
        found = _differences(locked, report, positions)
        awaited = follow_awaited(locked, found, now)
        changed = _store(locked, report, awaited, now, problem)
        changed |= follow_differences(locked, found, now)
    # Nothing in another account is the desk's to sell.
    is_other = bool(account.number and report.number and account.number != report.number)
    held = {} if is_other else {position.symbol: position.quantity for position in positions}
    prices = {each.symbol: each.price for each in positions if each.symbol in held and each.price is not None}
    return Balance(float(report.equity), held, changed, prices)


def begin_day(account: BrokerAccount, now: datetime) -> None:
    """On another day in New York losses are measured from the last report of the day before, which is kept for the
    equity curve. Before any transfer of the new day moves that."""
    if account.equity is not None and account.equity_day != (day := market_day(now)):
        _keep_day(account)
        account.equity_day, account.day_start_equity = day, account.equity - awaited_money(account, now)


def _keep_day(account: BrokerAccount) -> None:
    """Store the day that is over as its last report left it."""
    start, equity = account.day_start_equity, account.equity
    if account.equity_day is not None and start is not None and equity is not None:
        over = AccountDay(account=account, day=account.equity_day, start=start, equity=equity)
        AccountDay.objects.bulk_create(
            [over], update_conflicts=True, unique_fields=["account", "day"], update_fields=["start", "equity"]
        )


def follow_transfer(account: BrokerAccount, amount: Decimal) -> None:
    """Move what losses are measured from by money that was paid in or out, so that a transfer is neither a gain
    nor a loss. While the report has it and the list of activities does not, or the other way round, it is awaited
    money."""
    if account.day_start_equity is not None:
        account.day_start_equity += amount
    if account.peak_equity is not None:
        account.peak_equity += amount


def _store(account: BrokerAccount, report: AccountReport, awaited: Decimal, now: datetime, problem: str) -> bool:
    """awaited: the money that is awaited with this report."""
    before = (account.cash, account.equity, account.state)
    begin_day(account, now)
    if account.equity is None:
        account.equity_day, account.day_start_equity = market_day(now), report.equity - awaited
    account.cash, account.equity, account.buying_power = report.cash, report.equity, report.buying_power
    measured = peak_of(report.equity, awaited)
    account.peak_equity = max(account.peak_equity or measured, measured)
    account.snapshot_at = account.reconciled_at = now
    account.state = State.BLOCKED if report.blocked else State.DEGRADED if problem else State.CONNECTED
    account.state_reason = " ".join(filter(None, (report.blocked, problem)))[:300]
    account.failures = account.failures + 1 if problem else 0
    days = ("equity_day", "day_start_equity")
    fields = (
        *days,
        "cash",
        "equity",
        "buying_power",
        "peak_equity",
        "booked_cash",
        "snapshot_at",
        "reconciled_at",
    )
    account.save(update_fields=[*fields, "state", "state_reason", "failures"])
    return before != (account.cash, account.equity, account.state)


def _differences(account: BrokerAccount, report: AccountReport, positions: list[BrokerPosition]) -> Differences:
    found: Differences = {}
    ours = {
        each.symbol: each.quantity for each in position_model(account)._default_manager.filter(account=account)
    }
    theirs = {position.symbol: position.quantity for position in positions}
    for symbol in sorted(ours.keys() | theirs.keys()):
        own, other = ours.get(symbol, Decimal(0)), theirs.get(symbol, Decimal(0))
        if abs(other - own) >= DUST:
            text = (
                f"{symbol}: the broker holds {other.normalize():f} shares, the desk's records {own.normalize():f}."
            )
            found[Kind.POSITION, symbol] = Difference(
                f"{(other - own).normalize():f}", f"{own.normalize():f}", text
            )
    booked = account.booked_cash
    if booked is not None and abs(report.cash - booked) >= CENT:
        text = f"The broker has ${report.cash:,.2f} in cash, the desk's records ${booked:,.2f}."
        found[Kind.CASH, ""] = Difference(
            f"{(report.cash - booked).quantize(CENT)}", f"{booked.normalize():f}", text
        )
    return found
