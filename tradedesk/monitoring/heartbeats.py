"""Heartbeats in the database: each process writes the wall time of its last one.

Beat writes when it sends the heartbeat tasks; a worker writes when it runs one, which proves that its queue is
served. A worker that is busy for minutes shows by its work that it lives.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Q

from tradedesk.monitoring.models import Component, Heartbeat

# Rows of processes that have ended, and rows of a clock that was wrong, are deleted after this time.
KEPT = timedelta(hours=1)
# More processes than a desk has.
_MOST = 500
# The instance of the signs that are no heartbeats.
AT_WORK = "at work"

# The wall time of the last progress of a component's work, None without any; and for which component.
Sign = Callable[[], datetime | None]
_signs: list[tuple[Component, Sign]] = []


def count_as_alive(component: Component, sign: Sign) -> None:
    """Register what else proves that a component is alive."""
    if (component, sign) not in _signs:
        _signs.append((component, sign))


def record_heartbeat(component: Component, instance: str, wall_now: datetime) -> None:
    """Two statements the first time, one UPDATE afterwards. It may go back: the process knows only its clock."""
    key = {"component": component, "instance": instance[:100]}
    if not Heartbeat.objects.filter(**key).update(at=wall_now):
        Heartbeat.objects.get_or_create(**key, defaults={"at": wall_now})


def read_heartbeats() -> dict[Component, dict[str, datetime]]:
    """The time of the last heartbeat of each instance. One query, and those of the registered signs."""
    found: dict[Component, dict[str, datetime]] = {component: {} for component in Component}
    newest = Heartbeat.objects.order_by("-at").values_list("component", "instance", "at")
    for component, instance, at in newest[:_MOST]:
        found[Component(component)][instance] = at
    for component, sign in _signs:
        if (moment := sign()) is not None:
            found[component][AT_WORK] = moment
    return found


def forget_old_heartbeats(wall_now: datetime) -> None:
    """A process that lives writes its row again."""
    Heartbeat.objects.filter(Q(at__lt=wall_now - KEPT) | Q(at__gt=wall_now + KEPT)).delete()
