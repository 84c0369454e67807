"""What waits in wall time, when the wall clock may jump.

A lease, a rest or a pause ends at a time that was computed when it began. After the clock has gone back, by an
hour or by a year, that time is far away, and what waits for it would stand still. So none is believed that ends
later than one of twice its longest length that begins now; the clocks of several machines differ a little.
"""

from datetime import datetime, timedelta

from django.db.models import Q


def is_over(field: str, wall_now: datetime, longest: timedelta) -> Q:
    """A condition: the wait until the time in `field`, of at most `longest`, is over or of no meaning."""
    return Q(**{f"{field}__lte": wall_now}) | Q(**{f"{field}__gt": wall_now + 2 * longest})


def lasts(field: str, wall_now: datetime, longest: timedelta) -> Q:
    """A condition: that wait is not over."""
    return Q(**{f"{field}__gt": wall_now, f"{field}__lte": wall_now + 2 * longest})


def is_older(field: str, wall_now: datetime, age: timedelta) -> Q:
    """A condition: the time in `field` is longer ago than this age, or as far in the future."""
    return Q(**{f"{field}__lt": wall_now - age}) | Q(**{f"{field}__gt": wall_now + age})


def has_passed(since: datetime, pause: timedelta, wall_now: datetime) -> bool:
    """Whether this pause is over; one that began as far in the future has no meaning."""
    return abs(wall_now - since) >= pause
