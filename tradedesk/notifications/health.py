"""Whether notifications go out, for the desk's health."""

from datetime import datetime, timedelta

from django.db.models import Count, Min

from tradedesk.monitoring.findings import Finding, State
from tradedesk.notifications.models import Delivery

# A notification that nobody has tried to send for so long, in wall time, is late.
DEADLINE = timedelta(minutes=5)


def outbox_findings(wall_now: datetime) -> dict[str, Finding]:
    """Those of a channel that fails do not count: its user sees why, and nobody else can mend it. One query."""
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING, attempts=0, channel__failing_since=None)
    late = waiting.filter(queued_at__lt=wall_now - DEADLINE).aggregate(number=Count("pk"), oldest=Min("queued_at"))
    if not late["number"]:
        return {"outbox": Finding(State.OK, "No notification waits for long.")}
    minutes = DEADLINE.total_seconds() / 60
    text = (
        f"{late['number']:,} waiting for more than {minutes:.0f} min, the oldest since "
        f"{late['oldest']:%Y-%m-%d %H:%M:%S} UTC. Start more workers: celery -A tradedesk worker -Q notifications"
    )
    return {"outbox": Finding(State.WARNING, text)}
