"""After a restore: what may have happened at brokers since the backup was made, the desk does not know.

The simulation keeps its books in the same database, so its accounts go on. Every other account may have bought and
sold meanwhile, by orders that this database has never seen. So its entries are stopped and its entry orders
cancelled until an operator has compared both sides and lifts the halt; and an order that was about to be sent when
the backup was made counts as sent: the broker is asked for it first. Exits go out, as always.
"""

from datetime import datetime

from django.db import transaction

from livetrading.models import BrokerAccount, Halt, Order, OrderState
from livetrading.services.halt import RESTORE, request
from tradedesk.marketdata.clock import market_clock


def hold_back(made_at: datetime, wall_now: datetime) -> int:
    """Halt the accounts whose books are at a broker. Returns how many. made_at: the wall time of the backup."""
    accounts = list(BrokerAccount.objects.filter(revoked_at=None).exclude(broker=BrokerAccount.Broker.PAPER))
    reason = (
        f"Restored from the backup of {made_at:%Y-%m-%d %H:%M} UTC. Compare the account with the broker's own "
        "list of orders and positions since then."
    )
    for account in accounts:
        with transaction.atomic():
            request(
                account, Halt.Action.ORDERS, by=RESTORE, reason=reason, now=market_clock().now(), wall_now=wall_now
            )
            pending = account.orders.filter(state=OrderState.PENDING).values_list("pk", flat=True)
            for order_id in list(pending):
                Order.claim(order_id, RESTORE, wall_now)
                Order.move(
                    order_id,
                    OrderState.UNKNOWN,
                    wall_now=wall_now,
                    claimed_by=RESTORE,
                    reason="The desk was restored: the order may have been sent since the backup.",
                )
    return len(accounts)
