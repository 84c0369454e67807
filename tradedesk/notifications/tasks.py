from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from tradedesk.marketdata.clock import market_clock
from tradedesk.notifications.outbox.send import send_due
from tradedesk.notifications.retention import delete_old

# A run ends after this time, so that the next one may be another worker's.
RUN = timedelta(seconds=20)


@shared_task(name="tradedesk.notifications.tasks.send_notifications")
def send_notifications() -> None:
    """Send what is due in the outbox, in a free thread; it leaves alone what other threads are sending."""
    send_due(timezone.now, market_clock().now, timezone.now() + RUN)


@shared_task(name="tradedesk.notifications.tasks.delete_old_notifications")
def delete_old_notifications() -> None:
    delete_old(timezone.now())
