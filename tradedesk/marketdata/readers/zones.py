"""Time zones as files name them, and the step from a written time to UTC for a whole column."""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Times

# The name in winter, in summer, the hours from UTC in winter, and where it is used.
_PAIRS = [
    ("EST", "EDT", -5, "America/New_York"),
    ("CST", "CDT", -6, "America/Chicago"),
    ("MST", "MDT", -7, "America/Denver"),
    ("PST", "PDT", -8, "America/Los_Angeles"),
    ("GMT", "BST", 0, "Europe/London"),
    ("CET", "CEST", 1, "Europe/Berlin"),
    ("EET", "EEST", 2, "Europe/Helsinki"),
    ("AEST", "AEDT", 10, "Australia/Sydney"),
]
_PLACES = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
    "NY": "America/New_York",
    "EASTERN": "America/New_York",
    "JST": "Asia/Tokyo",
    "HKT": "Asia/Hong_Kong",
    "IST": "Asia/Kolkata",
    "SGT": "Asia/Singapore",
    "KST": "Asia/Seoul",
}
_UTC_NAMES = {"Z", "UTC", "GMT", "ZULU"}
_IN_TITLES = {"UTC", "GMT", "ET", *(name for pair in _PAIRS for name in pair[:2]), *_PLACES}
_OFFSET = re.compile(r"(?:GMT|UTC)?([+-])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
# Every zone changes its clocks on a quarter of an hour.
_QUARTER = np.timedelta64(15, "m").astype("m8[us]")


def zone_of(name: str, others: Collection[str] = ()) -> tzinfo | None:
    """The zone of a name: an offset, UTC, EST, America/New_York; None for an unknown one.

    others: the other names in the column. EST beside EDT is its fixed offset. Alone all year it is what people
    mean by it, New York time.
    """
    upper = name.upper()
    if upper in _UTC_NAMES:
        return UTC
    if offset := _OFFSET.fullmatch(name):
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return (
            timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes)) if minutes < 24 * 60 else None
        )
    for winter, summer, behind, place in _PAIRS:
        if upper in (winter, summer):
            both = winter in others or summer in others
            return timezone(timedelta(hours=behind + (upper == summer))) if both else ZoneInfo(place)
    if upper in _PLACES:
        return ZoneInfo(_PLACES[upper])
    try:
        return ZoneInfo(name) if "/" in name else None
    except (LookupError, ValueError, OSError):
        return None


def zone_in_title(title: str) -> str:
    """The zone that the title of a column names: “time (UTC)”, “Gmt time”, “timestamp_utc”; "" for none."""
    words = re.findall(r"[A-Za-z]+/[A-Za-z_]+|[A-Za-z]+", re.sub(r"_(?![A-Z][a-z])", " ", title))
    return next((word for word in words if ("/" in word or word.upper() in _IN_TITLES) and zone_of(word)), "")


def to_utc(local: Times, zone: tzinfo) -> Times:
    """Local times of a zone in UTC. Of an hour that occurs twice in autumn, the first is meant."""
    return local - _offsets(local, lambda moment: moment.replace(tzinfo=zone).utcoffset())


def from_utc(times: Times, zone: tzinfo) -> Times:
    """Times in UTC as local times of a zone."""
    return times + _offsets(times, lambda moment: moment.replace(tzinfo=UTC).astimezone(zone).utcoffset())


def _offsets(times: Times, offset_at: Callable[[datetime], timedelta | None]) -> NDArray[np.timedelta64]:
    """The offset from UTC of each time; it is asked once for each different quarter of an hour."""
    known = ~np.isnat(times)
    quarters, rows = np.unique(times[known].view(np.int64) // _QUARTER.astype(np.int64), return_inverse=True)
    starts = (quarters * _QUARTER.astype(np.int64)).view("datetime64[us]").tolist()
    found = np.array(
        [(offset_at(start) or timedelta()) // timedelta(microseconds=1) for start in starts], dtype=np.int64
    )
    offsets = np.zeros(len(times), dtype=np.int64)
    offsets[known] = found[rows] if len(found) else 0
    return offsets.view("timedelta64[us]")
