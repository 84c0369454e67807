"""Take over what moved money or shares without a fill, each one once."""

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from livetrading.brokers.protocol import Broker
from livetrading.models import AccountActivity, BrokerAccount
from livetrading.pipeline.balance import begin_day, follow_transfer
from livetrading.pipeline.corporate_actions import WAITS, carry_out, change_for, positions_for
from livetrading.pipeline.corrections import CORRECTIONS, take_over_corrections
from livetrading.pipeline.splits import Change

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Others:
    """changed: whether there was one that the desk did not have. problem: why they were not taken over, "" when
    they were."""

    changed: bool = False
    problem: str = ""


def take_over_activities(account: BrokerAccount, broker: Broker, now: datetime, wall_now: datetime) -> Others:
    """Activities and corrections. A broker that does not report them stops nothing else: exits and protection need
    the fills alone."""
    changed, problem = False, ""
    try:
        changed = _take_over(account, broker, now, wall_now)
    except Exception as error:
        log.exception("The activities of account %s could not be taken over", account.pk)
        problem = f"Fees, dividends and transfers are not up to date: {str(error) or type(error).__name__}"
    changed |= take_over_corrections(account, now, wall_now)
    return Others(changed, problem)


def _take_over(account: BrokerAccount, broker: Broker, now: datetime, wall_now: datetime) -> bool:
    activities = broker.activities_since(account.activity_cursor)
    if not activities:
        return False
    positions = positions_for(account, broker, activities)
    kinds = set(AccountActivity.Kind.values)
    with transaction.atomic():
        locked = BrokerAccount.locked(account.pk)
        if locked.epoch != account.epoch:
            return False  # the records were emptied since this tick began
        news = False
        begin_day(locked, now)
        for activity in activities:
            change = change_for(locked, activity, positions, now)
            if change is WAITS:
                continue  # it is reported again
            _, is_new = AccountActivity.objects.get_or_create(
                account=locked,
                activity_id=activity.activity_id,
                defaults={
                    "kind": activity.kind if activity.kind in kinds else AccountActivity.Kind.OTHER,
                    "symbol": activity.symbol[:40],
                    "amount": activity.amount,
                    "time": activity.time,
                    "description": activity.description[:200],
                    "previous_id": activity.previous_id[:128],
                    "quantity": activity.quantity,
                    "price": activity.price,
                    "booked": activity.kind not in CORRECTIONS,
                },
            )
            news |= is_new
            if is_new and isinstance(change, Change):
                carry_out(locked, change, activity.activity_id, now, wall_now)
            if is_new and activity.kind == AccountActivity.Kind.TRANSFER:
                # Shares that came have raised the peak themselves.
                follow_transfer(locked, activity.amount + min(activity.quantity, Decimal(0)) * activity.price)
            if is_new and activity.kind not in CORRECTIONS and locked.booked_cash is not None:
                locked.booked_cash += activity.amount
        locked.activity_cursor = activities[-1].activity_id
        days = ("equity_day", "day_start_equity")
        locked.save(update_fields=["activity_cursor", "booked_cash", *days, "peak_equity"])
    return news
