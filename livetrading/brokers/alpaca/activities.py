"""Fills, and everything else that moved money or shares.

An id begins with the date that the activity is for, so what is booked later may sort before what is known. So the
desk asks by the time of creation, for windows that overlap; the ids make taking over idempotent. Pure, but for the
pages.
"""

import itertools
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar
from zoneinfo import ZoneInfo

from livetrading.brokers.alpaca import words
from livetrading.brokers.alpaca.budget import Urgency
from livetrading.brokers.alpaca.client import Client
from livetrading.brokers.alpaca.orders import Row
from livetrading.brokers.alpaca.wire import UNREADABLE, number, optional, rows, text, time, word
from livetrading.brokers.protocol import BrokerActivity, BrokerFill, OutcomeUnknown

log = logging.getLogger(__name__)

NEW_YORK = ZoneInfo("America/New_York")
PAGE = 100
# How far a window reaches back behind what is known: of the trades usually, and how much further now and then.
OVERLAP, WIDE = timedelta(minutes=15), timedelta(days=4)
# Pages of one look: the next one goes on where it ends.
MOST = 40
# Of the other activities, and of an account without a cursor.
DAYS = timedelta(days=7)
_TRADES = "/account/activities/FILL"
_STAMP = "%Y%m%d%H%M%S"
Read = TypeVar("Read")


def readable(read: Callable[[Row], Read], found: Iterable[Row]) -> list[Read]:
    """What these rows say. One that cannot be read is left out, because the others do not wait for it: it is read
    again while it is in a window, and what it has moved is a difference."""
    said = list[Read]()
    for row in found:
        try:
            said.append(read(row))
        except OutcomeUnknown:
            log.warning("The activity %s was not readable.", word(row, "id") or "without an id")
    return said


def time_of(activity_id: str) -> datetime | None:
    """The time that an id begins with: of a trade, when it happened. None for another form."""
    try:
        return datetime.strptime(activity_id[:14], _STAMP).replace(tzinfo=NEW_YORK).astimezone(UTC)
    except ValueError:
        return None


def trades_after(cursor: str, reconciled_at: datetime | None, now: datetime) -> datetime:
    """From when on trades are asked for. Before the first trade it follows the last reconciliation, because the
    desk may have been off since."""
    known = time_of(cursor)
    return (reconciled_at or now) - DAYS if known is None else known - OVERLAP


def others_after(reconciled_at: datetime | None, now: datetime) -> datetime:
    """From when on other activities are asked for. It never goes back, or the desk would book what happened before
    it knew the account."""
    return (reconciled_at or now) - DAYS


def read_trades(client: Client, after: datetime, most: int = MOST) -> list[Row]:
    """The oldest `most` pages."""
    return _pages(client, _TRADES, {}, after, most)


def read_trades_of(client: Client, order_id: str, after: datetime) -> list[Row]:
    found = _pages(client, _TRADES, {"order_id": order_id}, after, MOST)
    return [row for row in found if word(row, "order_id") == order_id]


def read_others(client: Client, after: datetime) -> list[Row]:
    return _pages(client, "/account/activities", {"category": "non_trade_activity"}, after, None)


def _pages(client: Client, path: str, query: Mapping[str, object], after: datetime, most: int | None) -> list[Row]:
    """Each activity once, sorted by id."""
    known: dict[str, Row] = {}
    fields = {
        **query,
        "direction": "asc",
        "page_size": PAGE,
        "after": f"{after.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    for number_of_page in itertools.count(1):
        page = rows(client.get(path, fields, urgency=Urgency.REPORT))
        read = readable(_with_id, page)
        new = {known_id: row for row, known_id in read if known_id not in known}
        known |= new
        if len(page) < PAGE or not new or number_of_page == most:
            break
        fields["page_token"] = read[-1][1]  # the last one of the page, whatever the ids are sorted by
    return [known[each] for each in sorted(known)]


def _with_id(row: Row) -> tuple[Row, str]:
    return row, text(row, "id")


def fills_among(trades: Iterable[Row]) -> list[Row]:
    """Those that are fills, as they happened."""
    found = readable(lambda row: (order_of_trade(row), row), filter(is_fill, trades))
    return [row for _, row in sorted(found, key=lambda each: each[0])]


def order_of_trade(row: Row) -> tuple[datetime, str, bool, str]:
    """Sorts trades as they happened; of those at one time, purchases first. With the nanoseconds, which a datetime
    does not have."""
    fraction = word(row, "transaction_time").rstrip("Z").partition(".")[2].ljust(9, "0")
    second = time(row, "transaction_time").replace(microsecond=0)
    return second, fraction, word(row, "side") != "buy", text(row, "id")


def is_fill(row: Row) -> bool:
    return words.TRADES.get(word(row, "type")) == "fill"


def fill_of(row: Row, client_order_id: str) -> BrokerFill:
    return BrokerFill(
        activity_id=text(row, "id"),
        client_order_id=client_order_id,
        quantity=number(row, "qty"),
        price=number(row, "price"),
        time=time(row, "transaction_time"),
    )


def change_of(row: Row, previous_id: str) -> BrokerActivity:
    """A trade that was undone or corrected later. A word that is not known is no fill and changes no other one."""
    kind = words.TRADES.get(word(row, "type"), "other")
    corrected = kind == "correction"
    return BrokerActivity(
        activity_id=text(row, "id"),
        kind=kind,
        time=time(row, "transaction_time"),
        symbol=word(row, "symbol"),
        description=f"{word(row, 'type')} of an execution",
        previous_id=previous_id,
        quantity=number(row, "qty") if corrected else Decimal(0),
        price=number(row, "price") if corrected else Decimal(0),
    )


def execution_of(activity_id: str) -> str:
    """The part of an id by which a bust or a correction names a trade."""
    return activity_id.rpartition("::")[2]


def named_by(row: Row, trades: Iterable[Row], stored: Callable[[str], str]) -> str:
    """The id of the trade that this bust or correction changes. stored: finds an id of the desk's records by its
    last part, "" for none."""
    named = execution_of(word(row, "previous_id"))
    if not named:
        return ""
    listed = next((text(each, "id") for each in trades if execution_of(text(each, "id")) == named), "")
    return listed or stored(named) or named


def is_void(row: Row) -> bool:
    return word(row, "status") in words.VOID


def taken_back(row: Row, kind: str, amount: Decimal) -> BrokerActivity:
    """The reverse of an activity that was booked with this amount, and that Alpaca has canceled since. Shares are
    left to the positions, which differ."""
    moves_money = kind in ("fee", "dividend", "interest", "transfer")
    return BrokerActivity(
        activity_id=reverse_id(text(row, "id")),
        kind=kind if moves_money else "other",
        time=_booked(row),
        amount=-amount,
        symbol=word(row, "symbol"),
        description=f"{word(row, 'activity_type')} was taken back",
    )


def reverse_id(activity_id: str) -> str:
    return f"{activity_id}::taken-back"


def others_of(found: Iterable[Row]) -> list[BrokerActivity]:
    """Money or shares that moved without a trade, without what was taken back. A reverse split and a symbol change
    are two rows each, with the shares that went and those that came; they become one."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in found:
        if not is_void(row):
            groups.setdefault(_group_of(row), []).append(row)
    activities = list[BrokerActivity]()
    for group in groups.values():
        activities += _activities_of(group)
    return activities


def _activities_of(group: list[Row]) -> list[BrokerActivity]:
    """None of a group with a row that cannot be read: half of a split is another one."""
    found = readable(other_of, group)
    if len(found) < len(group):
        return []
    pair = _pair_of(group)
    return found if pair is None else [pair]


def _group_of(row: Row) -> tuple[str, ...]:
    type_ = word(row, "activity_type")
    if type_ in words.PAIRS and (group := word(row, "group_id")):
        return type_, group
    if type_ == words.SPLIT:  # siblings without a word of it: of one symbol and day
        return type_, word(row, "symbol"), _day_of(row)
    return (text(row, "id"),)


def _pair_of(group: list[Row]) -> BrokerActivity | None:
    """None for anything but shares that went and shares that came, in a form that is known."""
    if len(group) != 2 or word(group[0], "activity_type") not in words.PAIRS:
        return None
    went, came = sorted(group, key=lambda row: optional(row, "qty") or Decimal(0))
    before, after = -(optional(went, "qty") or Decimal(0)), optional(came, "qty") or Decimal(0)
    same = word(went, "symbol") == word(came, "symbol")
    if before <= 0 or after <= 0 or not word(went, "symbol") or not word(came, "symbol"):
        return None
    activity = other_of(came)
    amount = activity.amount + other_of(went).amount
    if activity.kind == "split" and same:
        return replace(activity, amount=amount, quantity=after - before, shares_before=before)
    if activity.kind == "other" and not same and before == after:
        moved = replace(activity, kind="symbol_change", amount=amount)
        return replace(moved, symbol=word(went, "symbol"), new_symbol=word(came, "symbol"))
    return None


def other_of(row: Row) -> BrokerActivity:
    """Money or shares that moved without a trade."""
    kind, type_ = words.kind_of(word(row, "activity_type")), word(row, "activity_type")
    details = [type_, word(row, "activity_sub_type"), word(row, "description")]
    moves_shares = kind in ("split", "transfer", "other")
    return BrokerActivity(
        activity_id=text(row, "id"),
        kind=kind,
        time=_booked(row),
        amount=optional(row, "net_amount") or Decimal(0),
        symbol=word(row, "symbol"),
        description=" ".join(filter(None, details)),
        quantity=(optional(row, "qty") or Decimal(0)) if moves_shares else Decimal(0),
        price=(optional(row, "price") or Decimal(0)) if kind == "transfer" else Decimal(0),
        ratio=_ratio_of(row) if kind == "split" else None,
    )


def _ratio_of(row: Row) -> Fraction | None:
    """New shares for each old one, where it says so, as in Alpaca's stream of account events."""
    new, old = optional(row, "new_rate"), optional(row, "old_rate")
    return Fraction(new) / Fraction(old) if new and old and new > 0 and old > 0 else None


def _booked(row: Row) -> datetime:
    """The day that it is for, at midnight in New York."""
    try:
        return datetime.fromisoformat(_day_of(row)).replace(tzinfo=NEW_YORK).astimezone(UTC)
    except ValueError:
        raise OutcomeUnknown(UNREADABLE) from None


def _day_of(row: Row) -> str:
    """The id begins with it too."""
    return (word(row, "date") or word(row, "id")[:8])[:10]
