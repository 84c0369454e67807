"""Incidents: record what a person must know about an account, report it once, and close it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from livetrading.models import BrokerAccount, Incident, Order
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.services import notify

# A difference is reported when it is the same after this market time.
LASTING = timedelta(seconds=10)
DIFFERENCES = (Incident.Kind.POSITION, Incident.Kind.CASH)


@dataclass(frozen=True, slots=True)
class Difference:
    """size: what the broker has more than our records. own: the figure of our records. more: further facts."""

    size: str
    own: str
    text: str
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, str]:
        return {"difference": self.size, "own": self.own, **self.more}


def report(
    account: BrokerAccount, kind: Incident.Kind, key: str, text: str, now: datetime, **fields: Any
) -> Incident:
    """Record and notify an incident, or update the open one with the same kind and key."""
    incident, created = Incident.objects.get_or_create(
        account=account,
        kind=kind,
        key=key[:128],
        resolved_at=None,
        defaults={"text": text[:300], "first_seen_at": now, "reported_at": now, **fields},
    )
    if created:
        _notify(account, kind, text, now, fields.get("order"))
    else:
        incident.text = text[:300]
        incident.attempts += 1
        incident.save(update_fields=["text", "attempts"])
    return incident


def report_event(
    account: BrokerAccount, kind: Incident.Kind, key: str, text: str, now: datetime, order: Order
) -> None:
    """Record and notify something that has happened and needs no further action."""
    Incident.objects.create(
        account=account,
        kind=kind,
        key=key[:128],
        order=order,
        text=text[:300],
        first_seen_at=now,
        reported_at=now,
        resolved_at=now,
    )
    _notify(account, kind, text, now)


def close(account: BrokerAccount, kind: Incident.Kind, key: str, now: datetime) -> None:
    """Close the open incident with this kind and key, if there is one."""
    account.incidents.filter(kind=kind, key=key[:128], resolved_at=None).update(resolved_at=now)


def resolve(incident: Incident, now: datetime) -> None:
    """Close an incident; a difference that was never reported leaves no trace."""
    if incident.reported_at is None:
        incident.delete()
        return
    incident.resolved_at = now
    incident.save(update_fields=["resolved_at"])


def follow_differences(
    account: BrokerAccount,
    found: Mapping[tuple[Incident.Kind, str], Difference],
    now: datetime,
) -> bool:
    """Record the differences found between the broker's figures and ours, under the lock of the account. found: by
    kind and key.

    A difference is reported when it has had the same size for LASTING while our own figure did not move: during
    fills the broker is ahead of us by one fill after the other. It is reported again when it has doubled; one that
    is gone is closed. Returns whether a page has to change.
    """
    changed = False
    followed = account.incidents.filter(kind__in=DIFFERENCES, resolved_at=None).order_by("pk")
    incidents = {(incident.kind, incident.key): incident for incident in followed}
    for (kind, key), difference in found.items():
        incident = incidents.get((kind, key))
        if incident is None:
            Incident.objects.create(
                account=account,
                kind=kind,
                key=key,
                text=difference.text[:300],
                facts=difference.facts,
                first_seen_at=now,
            )
        elif any(incident.facts.get(name) != value for name, value in difference.facts.items()):
            incident.text, incident.first_seen_at = difference.text[:300], now
            incident.facts = incident.facts | difference.facts
            incident.save(update_fields=["text", "facts", "first_seen_at"])
        elif _is_news(incident, difference.size) and now - incident.first_seen_at >= LASTING:
            incident.reported_at = now
            incident.facts = incident.facts | {"reported": difference.size}
            incident.save(update_fields=["reported_at", "facts"])
            _notify(account, kind, difference.text, now)
            changed = True
    for place, incident in incidents.items():
        if place not in found:
            changed |= incident.reported_at is not None
            resolve(incident, now)
    return changed


def _is_news(incident: Incident, difference: str) -> bool:
    """A difference is reported once, and again when it has at least doubled."""
    reported = incident.facts.get("reported")
    return reported is None or abs(Decimal(difference)) >= 2 * abs(Decimal(reported))


def _notify(account: BrokerAccount, kind: str, text: str, now: datetime, order: Order | None = None) -> None:
    event, priority = Event.DIFFERENCE, None
    if kind in (Incident.Kind.UNSENT_ORDER, Incident.Kind.FAILED_EXIT):
        event = Event.ORDER_REJECTED
        if order is not None and order.purpose != Order.Purpose.ENTRY:
            priority = Priority.CRITICAL  # what should be sold is still held
    notify(account.user, event, text, f"/trades?mode={account.mode}", now, priority=priority)
