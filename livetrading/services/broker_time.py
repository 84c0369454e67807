"""The desk's clock and calendar against those of a broker: the clock every quarter of an hour, the calendar once a
day before the market opens.

A difference is shown in the health. The days on which the calendars differ are stored; on MARKET=alpaca they count
(marketdata/broker_days.py).
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db import transaction

from livetrading.brokers.alpaca.times import PlainTime
from livetrading.brokers.protocol import BrokerDay, OutcomeUnknown, TellsTime
from livetrading.models import BrokerAccount, MarketDay, TimeComparison
from livetrading.services.accounts import NoBroker, broker_for
from tradedesk.encryption import NotDecrypted
from tradedesk.marketdata.broker_days import Implausible, differences
from tradedesk.marketdata.data_keys import NoKeys, access_of_owner
from tradedesk.marketdata.feeds.alpaca_client import AlpacaClient
from tradedesk.marketdata.sessions import NEW_YORK
from tradedesk.marketdata.trading_calendar import Hours, installed_calendar
from tradedesk.wall_time import is_older

log = logging.getLogger(__name__)

ROW = 1
EVERY = timedelta(minutes=15)
# The calendar is compared once a day, from this time in New York on, and so far ahead.
AT = time(8)
AHEAD = timedelta(days=10)
# One account may have lost its keys; more are not troubled.
ACCOUNTS = 3


def compare(clock: Callable[[], datetime]) -> bool:
    """One comparison, unless there was one a while ago, here or in another process. clock: the wall clock. Returns
    whether there was one. A broker is asked outside any transaction."""
    if not settings.TRADES_AT_BROKERS or not _claim(clock()):
        return False
    error = "There are no keys to ask a broker with."
    for source in _sources(clock()):
        try:
            _compare_with(source, clock)
        except OutcomeUnknown as failure:
            error = str(failure)
        else:
            error = ""
            break
    TimeComparison.objects.filter(pk=ROW).update(error=error[:300])
    return True


def skew(sent: datetime, theirs: datetime, received: datetime) -> float:
    """Seconds by which our clock is certainly ahead, negative when it is behind; 0 when the time that the answer
    took explains the difference. Pure."""
    if theirs < sent:
        return (sent - theirs).total_seconds()
    return min((received - theirs).total_seconds(), 0.0)


def calendar_is_due(last: datetime | None, wall_now: datetime) -> bool:
    """Pure. A comparison of the future is none: a clock went back."""
    today = datetime.combine(wall_now.astimezone(NEW_YORK).date(), AT, NEW_YORK)
    latest = today if today <= wall_now else today - timedelta(days=1)
    return last is None or not latest <= last <= wall_now


def stored_days() -> dict[date, Hours]:
    """The days that differ, for the calendar of the desk."""
    rows = MarketDay.objects.values_list("day", "opens", "closes")
    return {day: (opens, closes) if opens and closes else None for day, opens, closes in rows}


def _claim(wall_now: datetime) -> bool:
    TimeComparison.objects.get_or_create(pk=ROW)
    waiting = TimeComparison.objects.filter(pk=ROW)
    never = waiting.filter(tried_at=None).update(tried_at=wall_now)
    return bool(never or waiting.filter(is_older("tried_at", wall_now, EVERY)).update(tried_at=wall_now))


def _compare_with(source: TellsTime, clock: Callable[[], datetime]) -> None:
    """Raises OutcomeUnknown."""
    sent = clock()
    theirs = source.clock()
    received = clock()
    changes: dict[str, object] = {"ahead": skew(sent, theirs.time, received), "clock_at": received}
    row = TimeComparison.objects.get(pk=ROW)
    TimeComparison.objects.filter(pk=ROW).update(**changes)
    if not calendar_is_due(row.calendar_at, received):
        return
    first = received.astimezone(NEW_YORK).date()
    last = first + AHEAD
    days = source.calendar(first, last)
    doubt = ""
    try:
        _store(differences(installed_calendar(), _hours(days), first, last), first, last)
    except Implausible as reason:
        doubt = str(reason)
        log.warning("The broker's calendar was not taken over: %s", reason)
    TimeComparison.objects.filter(pk=ROW).update(calendar_at=received, doubt=doubt[:300])


def _store(found: Mapping[date, Hours], first: date, last: date) -> None:
    """What was different and is not any more is forgotten. Days that have passed stay."""
    rows = [
        MarketDay(day=day, opens=hours[0] if hours else None, closes=hours[1] if hours else None)
        for day, hours in found.items()
    ]
    with transaction.atomic():
        MarketDay.objects.filter(day__range=(first, last)).exclude(day__in=found).delete()
        MarketDay.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["day"], update_fields=["opens", "closes"]
        )
    for row in rows:
        log.warning("The broker's calendar differs from the installed one: %s.", row)


def _hours(days: list[BrokerDay]) -> dict[date, Hours]:
    return {each.day: (each.opens, each.closes) for each in days}


def _sources(now: datetime) -> Iterator[TellsTime]:
    """The installation's keys first, then verified accounts."""
    try:
        access = access_of_owner(None)
    except NoKeys:
        pass
    else:
        for url in access.trading_urls:
            yield PlainTime(AlpacaClient(url, access.keys))
    accounts = BrokerAccount.objects.filter(verified_at__isnull=False, revoked_at=None)
    for account in accounts.exclude(broker=BrokerAccount.Broker.PAPER).order_by("-verified_at")[:ACCOUNTS]:
        try:
            broker = broker_for(account, now)
        except (NoBroker, NotDecrypted):
            continue
        if isinstance(broker, TellsTime):
            yield broker
