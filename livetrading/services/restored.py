"""After a restore: what may have happened at brokers since the backup was made, the desk does not know.

The simulation keeps its books in the same database, so its accounts go on. Every other account may have bought and
sold meanwhile, by orders that this database has never seen. So its entries are stopped and its entry orders
cancelled until an operator has compared both sides and lifts the halt; and an order that was about to be sent when
the backup was made counts as sent: the broker is asked for it first. Until then the desk sells nothing either, and
leaves the exits at the broker as they are: what it would sell may be sold already, and a broker may take such a
sale as a short one.
"""

from datetime import datetime

from django.db import transaction

from livetrading.models import BrokerAccount, Halt, Order, OrderState
from livetrading.services.halt import RESTORE, request
from livetrading.services.order_audit import move_and_record
from tradedesk.marketdata.clock import market_clock


def hold_back(made_at: datetime, wall_now: datetime) -> int:
    """Halt the accounts whose books are at a broker. Returns how many. made_at: the wall time of the backup."""
    accounts = list(BrokerAccount.objects.filter(revoked_at=None).exclude(broker=BrokerAccount.Broker.PAPER))
    reason = (
        f"Restored from the backup of {made_at:%Y-%m-%d %H:%M} UTC. Nothing is sold before this is lifted, only "
        "the exits at the broker work: first compare the account with the broker's own orders and positions."
    )
    for account in accounts:
        with transaction.atomic():
            now = market_clock().now()
            halt = request(account, Halt.Action.ORDERS, by=RESTORE, reason=reason, now=now, wall_now=wall_now)
            # It may be one that an operator has set before the backup.
            Halt.objects.filter(pk=halt.pk).update(requested_by=RESTORE, reason=reason)
            for order in list(account.orders.filter(state=OrderState.PENDING)):
                Order.claim(order.pk, RESTORE, wall_now)
                move_and_record(
                    order,
                    OrderState.UNKNOWN,
                    wall_now=wall_now,
                    claimed_by=RESTORE,
                    reason="The desk was restored: the order may have been sent since the backup.",
                )
    return len(accounts)


def sells_nothing(account: BrokerAccount) -> bool:
    """Whether a restored account waits for an operator. One query while its entries are stopped."""
    return account.entries_stopped and account.halts.filter(requested_by=RESTORE, lifted_at=None).exists()
