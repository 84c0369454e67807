"""The ways of writing a time, and which of them a whole column uses."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradedesk.core.bars import Times
from tradedesk.marketdata.readers.arrays import integers, is_equal, mask, text_scalar

Content = Literal["epoch", "serial", "moment", "date", "clock", ""]

_CLOCK = (
    r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?\s*(?P<half>[AaPp]\.?[Mm]\b\.?)?"
    r"|(?P<h>\d{2})(?P<n>\d{2})(?P<s>\d{2})?"
)
_ZONE = r"(?P<zone>(?:GMT|UTC)?[+-]\d{1,2}(?::?\d{2})?|[A-Za-z]+(?:/[A-Za-z0-9_+\-]+)+|[A-Za-z]{1,5})?"
_REST = rf"(?:(?:[T_,;:-]|\s)*(?:{_CLOCK}))?\s*{_ZONE}(?:\s*[(\[][^)\]]*[)\]])?$"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_YEAR = r"(?P<y>\d{4}|\d{2})"
_MONTH = r"(?P<month>\pL{3,9})\.?"
# Numeric(a, b, y) is 3/5/2023, whose order is decided later. The others are tried in this order.
FORMS = {
    "ymd": r"^(?P<y>[1-9]\d{3})[-./](?P<m>\d{1,2})[-./](?P<d>\d{1,2})",
    "compact": r"^(?P<y>(?:18|19|20|21)\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])",
    "numeric": r"^(?P<a>\d{1,2})[-./ ](?P<b>\d{1,2})[-./ ](?P<y>\d{4}|\d{2})",
    "day month": rf"(?i)^{_WEEKDAY}(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[-./ ]*{_MONTH},?[-./ ]*{_YEAR}",
    "month day": rf"(?i)^{_WEEKDAY}{_MONTH}[-./ ]\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?[-./ ]\s*{_YEAR}",
    "year month": rf"(?i)^(?P<y>\d{{4}})[-./ ]{_MONTH}[-./ ](?P<d>\d{{1,2}})",
}
PATTERNS = {form: start + _REST for form, start in FORMS.items()}
EPOCH = r"^-?\d{9,19}(?:\.\d+)?$|^\d\.\d+[eE]\+?\d+$"
SERIAL = r"^\d{5}(?:\.\d+)?$"
ONLY_CLOCK = rf"^(?:\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:\.\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?)\s*{_ZONE}$"
# Two names for each month, by their first three letters: English, and those of other languages that differ.
_MONTH_NAMES = "jan ene feb fév mar mär apr avr may mai jun giu jul lug aug ago sep set oct okt nov nov dec dez"
MONTHS = {name: 1 + place // 2 for place, name in enumerate(_MONTH_NAMES.split())}
SAMPLE = 200


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A column as it is written, before its zone counts.

    local: datetime64[us], NaT where unreadable. with_clock: which rows have a time of day. zones: their names, ""
    for none; zone: the place in zones for each row. numeric: the two first numbers of a date like 3/5/2023 and its
    year, each int64 (n,); then local has the time of day alone.
    """

    local: Times
    with_clock: NDArray[np.bool_]
    zones: tuple[str, ...]
    zone: NDArray[np.int64]
    numeric: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None = None


def content_of(cells: pa.Array) -> Content:
    """What most of the cells (trimmed text) hold; a time at midnight is a date."""
    cells = cells.filter(pc.invert(is_equal(cells, "")))[:SAMPLE]
    if not len(cells):
        return ""
    form = form_of(cells)
    if form in ("epoch", "serial"):
        return "epoch" if form == "epoch" else "serial"
    if form:
        written = read_form(cells, form)
        midnight = written.local.astype("datetime64[D]") == written.local
        return "moment" if (written.with_clock & ~midnight).any() else "date"
    return "clock" if _share(cells, ONLY_CLOCK) > 0.5 else ""


def form_of(cells: pa.Array) -> str:
    """The form that most cells have: a key of PATTERNS, "epoch", "serial", or "" for none."""
    cells = cells.filter(pc.invert(is_equal(cells, "")))[:SAMPLE]
    patterns = PATTERNS | {"epoch": EPOCH, "serial": SERIAL}
    shares = {form: _share(cells, pattern) for form, pattern in patterns.items()} if len(cells) else {"": 0.0}
    best = max(shares, key=lambda form: shares[form])
    return best if shares[best] > 0 else ""


def read_form(cells: pa.Array, form: str) -> Written:
    """All cells (trimmed text) in one form of PATTERNS. Each different text is read once."""
    encoded = cells.dictionary_encode()
    found = _read_distinct(encoded.dictionary, form)
    rows = integers(encoded.indices)
    return Written(
        found.local[rows], found.with_clock[rows], found.zones, found.zone[rows],
        found.numeric and (found.numeric[0][rows], found.numeric[1][rows], found.numeric[2][rows]),
    )  # fmt: skip


def days(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> Times:
    """The dates (datetime64[us]) of the numbers; NaT where there is no such date. Two digits: 1970 to 2069."""
    year = np.where(year < 70, year + 2000, np.where(year < 100, year + 1900, year))
    first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    found = first.astype("datetime64[D]") + (day - 1)
    exists = (month >= 1) & (month <= 12) & (day >= 1) & (found.astype("datetime64[M]") == first)
    return np.where(exists, found, np.datetime64("NaT")).astype("datetime64[us]")


def _share(cells: pa.Array, pattern: str) -> float:
    return float(pc.mean(pc.match_substring_regex(cells, pattern)).as_py() or 0.0)


def _read_distinct(texts: pa.Array, form: str) -> Written:
    fields = pc.extract_regex(texts, PATTERNS[form])
    readable = mask(pc.is_valid(fields))

    def field(name: str) -> pa.Array:
        return pc.coalesce(pc.struct_field(fields, name), text_scalar(""))

    def number(name: str) -> NDArray[np.int64]:
        found = field(name)
        return integers(pc.if_else(is_equal(found, ""), text_scalar("0"), found))

    hour, minute, second = number("H") + number("h"), number("M") + number("n"), number("S") + number("s")
    half = pc.utf8_lower(pc.utf8_slice_codeunits(field("half"), 0, 1))
    afternoon, morning = mask(is_equal(half, "p")), mask(is_equal(half, "a"))
    hour = np.where((afternoon | morning) & (hour == 12), 0, hour) + 12 * afternoon
    fraction = integers(pc.utf8_slice_codeunits(pc.utf8_rpad(field("f"), 6, "0"), 0, 6))
    readable &= (hour < 24) & (minute < 60) & (second < 60)
    clock = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
    zones = field("zone").dictionary_encode()
    numeric = (number("a"), number("b"), number("y")) if form == "numeric" else None
    if form == "numeric":
        date = np.zeros(len(texts), dtype="datetime64[us]")
    else:
        date = days(number("y"), _months(field("month")) if "month" in form else number("m"), number("d"))
    local = np.where(readable, date + clock, np.datetime64("NaT"))
    has_clock = ~mask(pc.and_(is_equal(field("H"), ""), is_equal(field("h"), "")))
    return Written(local, has_clock, tuple(zones.dictionary.to_pylist()), integers(zones.indices), numeric)


def _months(names: pa.Array) -> NDArray[np.int64]:
    """The numbers of the months; 0 where it is no name of one."""
    encoded = pc.utf8_slice_codeunits(pc.utf8_lower(names), 0, 3).dictionary_encode()
    numbers = np.array([MONTHS.get(name, 0) for name in encoded.dictionary.to_pylist()] or [0], dtype=np.int64)
    return numbers[integers(encoded.indices)]
