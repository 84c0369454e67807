"""Claiming due rows of the outbox and recording what became of them, each by one conditional UPDATE."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Min, Q, QuerySet

from tradedesk.notifications.models import Channel, Delivery
from tradedesk.notifications.outbox.backoff import LONGEST_REST, MAX_ATTEMPTS, PAUSES, next_attempt, rest_until
from tradedesk.wall_time import is_over, lasts

State = Delivery.State
# Rows of one channel that are sent together.
BATCH = 10
# Longer than a batch can take: see channels.process.SECONDS and EMAIL_TIMEOUT.
LEASE = timedelta(seconds=180)
GIVEN_UP = "It was sent or tried too often without an answer."


@dataclass(frozen=True, slots=True)
class Claimed:
    """Rows of one channel that this worker sends."""

    claim: str
    channel: Channel
    deliveries: Sequence[Delivery]


def due(wall_now: datetime) -> Q:
    is_time = Q(next_attempt_at=None) | is_over("next_attempt_at", wall_now, PAUSES[-1])
    return Q(state=State.PENDING) & is_time | Q(state=State.SENDING) & is_over("lease_until", wall_now, LEASE)


def _resting(wall_now: datetime) -> Q:
    return lasts("channel__retry_at", wall_now, LONGEST_REST) & Q(notification__isnull=False)


def claim_batch(wall_now: datetime) -> Claimed | None:
    """Claim the due rows of the channel that has waited longest, the most urgent first; None when none is due.

    A channel that rests, or whose messages are just being sent, is left alone; a test does not rest.
    """
    for channel_id in _waiting_channels(wall_now):
        claimed = _claim(channel_id, wall_now)
        if claimed is not None:
            return claimed
    return None


def _waiting_channels(wall_now: datetime) -> list[uuid.UUID]:
    """The ten channels with due rows that were tried longest ago."""
    busy = Delivery.objects.filter(lasts("lease_until", wall_now, LEASE), state=State.SENDING).values("channel")
    resting = _resting(wall_now)
    rows = Delivery.objects.filter(due(wall_now)).exclude(resting).exclude(channel__in=busy)
    found = (
        rows.values("channel").annotate(tried=Min("channel__tried_at")).order_by(F("tried").asc(nulls_first=True))
    )
    return [row["channel"] for row in found[:BATCH]]


def _claim(channel_id: uuid.UUID, wall_now: datetime) -> Claimed | None:
    claim = uuid.uuid4().hex
    rows = Delivery.objects.filter(due(wall_now), channel=channel_id)
    resting = _resting(wall_now)
    first = rows.exclude(resting).order_by("-priority", F("notification").asc(nulls_first=True))
    ids = list(first.values_list("pk", flat=True)[:BATCH])
    if not take(ids, claim, wall_now):
        return None
    Channel.objects.filter(pk=channel_id).update(tried_at=wall_now)
    mine = Delivery.objects.filter(state=State.SENDING, claim=claim).select_related(
        "channel__user", "notification"
    )
    deliveries = list(mine.order_by("-priority", F("notification").asc(nulls_first=True)))
    for delivery in deliveries:
        if delivery.attempts > MAX_ATTEMPTS:
            record_failure(claim, delivery, GIVEN_UP, wall_now)
    left = [delivery for delivery in deliveries if delivery.attempts <= MAX_ATTEMPTS]
    return Claimed(claim, left[0].channel, left) if left else None


def take(ids: Sequence[uuid.UUID], claim: str, wall_now: datetime) -> int:
    """Claim those of the rows that are still due: of two workers that read the same rows, the second finds none.
    Returns their number."""
    return Delivery.objects.filter(due(wall_now), pk__in=ids).update(
        state=State.SENDING, claim=claim, lease_until=wall_now + LEASE, attempts=F("attempts") + 1
    )


def record_sent(claim: str, delivery: Delivery, wall_now: datetime) -> bool:
    """Returns whether the row was still this worker's."""
    sent = _mine(claim, delivery).update(
        state=State.SENT, finished_at=wall_now, lease_until=None, claim="", last_error=""
    )
    return sent == 1


def record_failure(claim: str, delivery: Delivery, error: str, wall_now: datetime) -> bool:
    """Try it again later, or not at all after the last attempt. A test has one attempt."""
    at = None if delivery.notification_id is None else next_attempt(delivery.attempts, wall_now)
    values: dict[str, object] = {"lease_until": None, "claim": "", "last_error": error[:200]}
    if at is None:
        values |= {"state": State.FAILED, "finished_at": wall_now}
    else:
        values |= {"state": State.PENDING, "next_attempt_at": at}
    return _mine(claim, delivery).update(**values) == 1


def give_back(claim: str, deliveries: Sequence[Delivery]) -> None:
    """Rows that were not tried, because the channel failed before: the attempt does not count."""
    ids = [delivery.pk for delivery in deliveries]
    Delivery.objects.filter(pk__in=ids, state=State.SENDING, claim=claim).update(
        state=State.PENDING, lease_until=None, claim="", attempts=F("attempts") - 1
    )


def record_channel_works(channel: Channel, wall_now: datetime) -> None:
    Channel.objects.filter(pk=channel.pk).update(
        sent_at=wall_now, failing_since=None, retry_at=None, failures=0, last_error=""
    )


def record_channel_fails(channel: Channel, error: str, wall_now: datetime) -> bool:
    """Returns whether it worked until now."""
    failing = Channel.objects.filter(pk=channel.pk)
    is_news = failing.filter(failing_since=None).update(failing_since=wall_now) == 1
    failing.update(
        failures=F("failures") + 1,
        retry_at=rest_until(channel.failures + 1, wall_now),
        last_error=error[:200],
    )
    return is_news


def _mine(claim: str, delivery: Delivery) -> "QuerySet[Delivery]":
    return Delivery.objects.filter(pk=delivery.pk, state=State.SENDING, claim=claim)
