"""Money that has come or gone without shares, and that no activity explains yet: usually a transfer, which a
broker lists a day after it has moved the cash.

It is followed with the incident of the cash difference, and is neither a gain nor a loss until it is explained; a
fall for some days at most, because it may be a loss after all.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from livetrading.models import BrokerAccount, Incident
from livetrading.services.incidents import DIFFERENCES, Difference
from tradedesk.core.money import CENT

Kind = Incident.Kind
Differences = dict[tuple[Incident.Kind, str], Difference]
Facts = Mapping[str, Any]
# Market time: over a weekend.
HELD_BACK = timedelta(days=3)
_CASH = (Kind.CASH, "")


def follow_awaited(account: BrokerAccount, found: Differences, now: datetime) -> Decimal:
    """Add what is awaited to the facts of the cash difference, and return it. found: the present differences;
    account: under its lock, with those of the last report."""
    if _CASH not in found:
        return Decimal(0)
    before = {(kind, key): facts for kind, key, facts in _open(account).values_list("kind", "key", "facts")}
    awaited, since = awaited_after(before, found, now)
    facts = {"awaited": f"{awaited:f}", "since": since.isoformat()}
    found[_CASH] = replace(found[_CASH], more=facts)
    return awaited


def awaited_after(
    before: Mapping[tuple[str, str], Facts], found: Differences, now: datetime
) -> tuple[Decimal, datetime]:
    """What is awaited with the differences `found`, and since when; before: the facts of the last ones. Pure.

    What the cash difference has changed by is money on its way, unless shares have changed too: then it was a
    trade. The time begins again when the money doubles, so that many small losses are not held back for ever."""
    cash = before.get(_CASH, {})
    awaited = known = Decimal(cash.get("awaited", "0"))
    if _shares(before) == {
        key: Decimal(each.size) for (kind, key), each in found.items() if kind == Kind.POSITION
    }:
        awaited += Decimal(found[_CASH].size) - Decimal(cash.get("difference", "0"))
    if abs(awaited) < CENT:
        awaited = Decimal(0)
    is_news = "since" not in cash or abs(awaited) > 2 * abs(known)
    return awaited, now if is_news else datetime.fromisoformat(cash["since"])


def awaited_money(account: BrokerAccount, now: datetime) -> Decimal:
    """What was awaited with the last report: dollars, below zero when they have gone."""
    for facts in _open(account).filter(kind=Kind.CASH).values_list("facts", flat=True):
        since = facts.get("since")
        if since and (facts["awaited"][0] != "-" or now - datetime.fromisoformat(since) < HELD_BACK):
            return Decimal(facts["awaited"])
    return Decimal(0)


def peak_of(equity: Decimal, awaited: Decimal) -> Decimal:
    """The equity that a peak may have: without money that has come, which will raise it once it is explained."""
    return equity - max(awaited, Decimal(0))


def without_awaited_fall(equity: Decimal, awaited: Decimal) -> Decimal:
    """The equity that losses are measured by: with money that has gone."""
    return equity - min(awaited, Decimal(0))


def _open(account: BrokerAccount) -> Any:
    return account.incidents.filter(kind__in=DIFFERENCES, resolved_at=None)


def _shares(before: Mapping[tuple[str, str], Facts]) -> dict[str, Decimal]:
    return {key: Decimal(facts["difference"]) for (kind, key), facts in before.items() if kind == Kind.POSITION}
