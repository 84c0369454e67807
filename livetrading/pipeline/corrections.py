"""Busts and corrections: fills that the broker undoes or changes later.

The fill stays as it was reported and counts no more; what a correction says instead is a fill of its own. Lot,
order, position, cash and totals are made anew from the fills that count. Nothing of it is silent: each one is an
incident.
"""

import logging
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from livetrading.models import AccountActivity, BrokerAccount, Fill, Incident, Order
from livetrading.models.account import BOOKED
from livetrading.models.signal import OrderSide
from livetrading.pipeline.lots import NotBookable, must_have_scale_of_fills, rebook_lot
from livetrading.services.incidents import close, report, report_event
from livetrading.services.order_audit import corrected
from tradedesk.audit.services import record_all
from tradedesk.core.money import MICRO

log = logging.getLogger(__name__)
Kind = AccountActivity.Kind
CORRECTIONS = (Kind.BUST, Kind.CORRECTION)


def take_over_corrections(account: BrokerAccount, now: datetime, wall_now: datetime) -> bool:
    """Book the busts and corrections that are not booked yet. Returns whether there was one.

    One that does not fit, such as the bust of a purchase whose shares are sold, is an open incident and is tried
    again."""
    changed = False
    for activity in account.activities.filter(booked=False).order_by("pk"):
        changed |= _take_over(account, activity, now, wall_now)
    return changed


def reopen(account: BrokerAccount, activity_id: str) -> None:
    """The fill with this id is booked only now: what undid or corrected it before is booked again. Under the lock
    of the account."""
    account.activities.filter(kind__in=CORRECTIONS, previous_id=activity_id, booked=True).update(booked=False)


def _take_over(account: BrokerAccount, activity: AccountActivity, now: datetime, wall_now: datetime) -> bool:
    aside = Incident.Kind.UNBOOKED_FILL
    if account.incidents.filter(kind=aside, key=activity.previous_id, resolved_at=None).exists():
        return False  # first the fill itself
    try:
        with transaction.atomic():
            locked = BrokerAccount.locked(account.pk)
            booked = locked.epoch == account.epoch and _book(locked, activity.pk, now, wall_now)
    except Exception as error:
        log.exception("Activity %s of account %s could not be booked", activity.activity_id, account.pk)
        text = f"{_sentence(activity, None)} The desk cannot book it and tries again: {error}"
        report(account, Incident.Kind.UNBOOKED_CORRECTION, activity.activity_id, text, now)
        return True
    close(account, Incident.Kind.UNBOOKED_CORRECTION, activity.activity_id, now)
    return booked


def _book(account: BrokerAccount, activity_pk: int, now: datetime, wall_now: datetime) -> bool:
    """Under the lock of the account. Raises NotBookable."""
    activity = account.activities.filter(pk=activity_pk, booked=False).first()
    if activity is None:
        return False
    activity.booked, activity.amount = True, Decimal(0)
    fill = _present(account, activity.previous_id)
    if fill is None:
        # It was an order from outside the desk, whose fills are skipped; what differs says so. Or the fill is
        # not known yet, and opens this again.
        activity.save(update_fields=["booked", "amount"])
        return True
    must_have_scale_of_fills(account, fill.order)
    fill.undone_by = activity.activity_id
    fill.save(update_fields=["undone_by"])
    after = None
    if activity.kind == Kind.CORRECTION:
        if activity.quantity <= 0 or activity.price <= 0:
            raise NotBookable("It has no shares or no price.")
        after = Fill.objects.create(
            account=account,
            order=fill.order,
            activity_id=activity.activity_id,
            time=fill.time,
            quantity=activity.quantity,
            price=activity.price,
            commission=fill.commission,
        )
        reopen(account, after.activity_id)
    activity.amount = _cash_of(after) - _cash_of(fill)
    activity.symbol = fill.order.symbol
    activity.save(update_fields=["booked", "amount", "symbol"])
    _count_again(fill.order)
    rebook_lot(account, fill.order, now)
    if account.booked_cash is not None:
        account.booked_cash += activity.amount
    account.save(update_fields=BOOKED)
    kind = Incident.Kind.CORRECTED_FILL
    report_event(account, kind, activity.activity_id, _sentence(activity, fill), now, fill.order)
    record_all([corrected(fill, after, activity.activity_id)], wall_now)
    return True


def _present(account: BrokerAccount, activity_id: str) -> Fill | None:
    """The fill with this id, or the one that a correction has put in its place."""
    fills = account.fills.select_related("order")
    fill = fills.filter(activity_id=activity_id).first()
    while fill is not None and fill.undone_by:
        following = fills.filter(activity_id=fill.undone_by).first()
        if following is None:
            raise NotBookable("The fill was undone before.")
        fill = following
    return fill


def _cash_of(fill: Fill | None) -> Decimal:
    """Dollars that the fill has added to the cash, as it was booked."""
    if fill is None:
        return Decimal(0)
    signed = fill.quantity if fill.order.side == OrderSide.BUY else -fill.quantity
    return -(signed * fill.price).quantize(MICRO) - fill.commission


def _count_again(order: Order) -> None:
    """The filled shares of the order and their price, from the fills that count."""
    filled, cost = Decimal(0), Decimal(0)
    for quantity, price in order.fills.filter(undone_by="").values_list("quantity", "price"):
        filled, cost = filled + quantity, cost + quantity * price
    order.filled_quantity = filled
    order.filled_price = (cost / filled).quantize(MICRO) if filled else None
    order.save(update_fields=["filled_quantity", "filled_price"])


def _sentence(activity: AccountActivity, fill: Fill | None) -> str:
    what = f"of {fill.quantity.normalize():f} {fill.order.symbol} at ${fill.price:,.2f}" if fill else ""
    which = f"the fill {what or activity.previous_id}"
    if activity.kind == Kind.BUST:
        return f"The broker has undone {which}."
    return f"The broker has corrected {which} to {activity.quantity.normalize():f} at ${activity.price:,.2f}."
