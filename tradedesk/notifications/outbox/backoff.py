"""When a message is tried again, and how long a failing channel rests. Pure."""

from datetime import datetime, timedelta

# The pause after each attempt; after the last one the message has failed, about a day after the first.
PAUSES = tuple(
    timedelta(**pause)
    for pause in (
        {"seconds": 30},
        {"minutes": 2},
        {"minutes": 10},
        {"minutes": 30},
        {"hours": 1},
        {"hours": 2},
        {"hours": 4},
        {"hours": 6},
        {"hours": 10},
    )
)
MAX_ATTEMPTS = len(PAUSES) + 1
# A channel is tried at least so often while it has messages.
LONGEST_REST = timedelta(minutes=15)
FIRST_REST = timedelta(seconds=30)


def next_attempt(attempts: int, wall_now: datetime) -> datetime | None:
    """When to try again after so many attempts; None when there is no further one."""
    return wall_now + PAUSES[attempts - 1] if attempts < MAX_ATTEMPTS else None


def rest_until(failures: int, wall_now: datetime) -> datetime:
    """Until when a channel rests that has failed so many times in a row."""
    doublings = min(max(failures - 1, 0), 10)
    return wall_now + min(FIRST_REST * int(2**doublings), LONGEST_REST)
