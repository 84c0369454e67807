"""The times of a file's rows in UTC, decided over the whole column."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradedesk.core.bars import Timeframe, Times
from tradedesk.marketdata.quality.hours import SATURDAY, SUNDAY, weekday
from tradedesk.marketdata.quality.spacing import looks_like
from tradedesk.marketdata.readers import dates, zones
from tradedesk.marketdata.readers.arrays import floats, integers, is_text, mask, text_scalar
from tradedesk.marketdata.readers.date_orders import ordered
from tradedesk.marketdata.readers.file_series import DateOrder
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.sessions import NEW_YORK, spans_of_dates

NAT = np.datetime64("NaT", "us")
DAY = np.timedelta64(1, "D")
FIRST, LAST = np.datetime64("1800-01-01", "us"), np.datetime64("2200-01-01", "us")
EXCEL_EPOCH, UNIX_EPOCH = np.datetime64("1899-12-30", "us"), np.datetime64("1970-01-01", "us")
# Microseconds, one hour: times written as 1.67E+12 must be exact to this.
MOST_LOST = 3.6e9
# Numbers since 1970 below this, in size, have this unit: seconds up to the year 5138, and so on.
UNITS = [(1e11, "seconds", 1_000_000.0), (1e14, "milliseconds", 1_000.0), (1e17, "microseconds", 1.0)]
PERIODS = {Timeframe.DAY: "day", Timeframe.WEEK: "week", Timeframe.MONTH: "month"}
# A daily column with at least this share of midnights is one of dates; else its times are moments.
MOSTLY = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Understood:
    """times: of the bars in UTC, NaT where unreadable. without_clock: rows that lack the time of day they need.
    texts: the column as it is written, for messages. notes: how it was understood."""

    times: Times
    without_clock: NDArray[np.bool_]
    texts: pa.Array
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """utc: the moments. local: as written. aware: rows with a zone. with_clock: rows with a time of day."""

    utc: Times
    local: Times
    aware: NDArray[np.bool_]
    with_clock: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def understand_times(
    columns: list[pa.Array], timeframe: Timeframe, *, title_zone: str, date_order: DateOrder | None
) -> Understood:
    """The opening times of bars from a column, or from a date and a time of day as two.

    A time without a zone has the zone of its title, else New York time. A daily bar gets midnight in New York: of
    the written date where the column is one of midnights or of dates, otherwise of the day in New York. A weekly
    bar gets that of its Monday, a monthly one that of the first day of its month. Raises ImportRefused if the
    column leaves the order of day and month open; its field is "date_order".
    """
    if len(columns) == 1 and not is_text(columns[0]) and not pa.types.is_integer(columns[0].type):
        texts, moments = _as_text(columns[0]), _typed(columns[0])
    else:
        texts = _joined([_as_text(column) for column in columns])
        moments = _from_text(texts, title_zone, date_order)
    times, notes = moments.utc, moments.notes
    if daily := timeframe.is_dated:
        days = _days(moments)
        if timeframe is Timeframe.WEEK and (weekday(days[~np.isnat(days)]) == SUNDAY).all():
            days, notes = days + DAY, (*notes, "Weeks that begin on Sunday were dated by their Monday.")
        times = zones.to_utc(spans_of_dates(days, timeframe)[0].astype("datetime64[us]"), NEW_YORK)
        _refuse_several(moments.utc, times, timeframe)
    elif moments.with_clock.any() and not moments.aware.all() and not title_zone:
        notes += ("Times without a zone were read as New York time.",)
    with np.errstate(invalid="ignore"):
        times = np.where((times >= FIRST) & (times < LAST), times, NAT)
    without = np.zeros(len(times), dtype=bool) if daily else ~moments.with_clock & ~np.isnat(times)
    return Understood(times, without, texts, notes)


def _refuse_several(moments: Times, midnights: Times, timeframe: Timeframe) -> None:
    """Raise ImportRefused if a file of days, weeks or months has more than one time in most of them."""
    distinct = np.unique(moments[~np.isnat(midnights)])
    if len(distinct) > 1.5 * len(np.unique(midnights[~np.isnat(midnights)])):
        looks = looks_like(distinct)
        so = f", so this looks like {looks}" if looks else ""
        raise ImportRefused(
            f"The file has several bars a {PERIODS[timeframe]}{so}, not {timeframe}. Choose that timeframe.",
            "timeframe",
        )


def _days(moments: _Moments) -> NDArray[np.datetime64]:
    """The date of each row, NaT for one without."""
    local, utc, aware = moments.local, moments.utc, moments.aware & ~np.isnat(moments.local)
    at_midnight = local.astype("datetime64[D]") == local
    if aware.any() and at_midnight[aware].mean() < MOSTLY:
        at_midnight &= ~aware
    written = at_midnight | ~aware
    return np.where(written, local, zones.from_utc(utc, NEW_YORK)).astype("datetime64[D]")


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit), safe=False)
    column = column if pa.types.is_string(column.type) else column.cast(pa.string())
    return pc.coalesce(pc.utf8_trim_whitespace(column), text_scalar(""))


def _joined(columns: list[pa.Array]) -> pa.Array:
    """A date and a time of day as one text. A time that lost its zeros in a spreadsheet gets them back."""
    if len(columns) == 1:
        return columns[0]
    date, clock = columns
    # A date that a spreadsheet completed with midnight leaves the time of day to the other column.
    date = pc.replace_substring_regex(date, r"[T ]0?0:00(?::00(?:\.0+)?)?$", "")
    digits = pc.match_substring_regex(clock, r"^\d{1,6}$")
    if mask(digits).any():
        width = 4 if pc.max(pc.utf8_length(clock)).as_py() <= 4 else 6
        clock = pc.if_else(digits, pc.utf8_lpad(clock, width, "0"), clock)
    return pc.utf8_trim_whitespace(pc.binary_join_element_wise(date, clock, " "))


def _from_text(texts: pa.Array, title_zone: str, date_order: DateOrder | None) -> _Moments:
    if (found := _iso(texts, title_zone)) is not None:
        return found
    form = dates.form_of(texts)
    if not form:
        nothing = np.full(len(texts), NAT)
        return _Moments(nothing, nothing, *np.zeros((2, len(texts)), dtype=bool))
    if form in ("epoch", "serial"):
        return _numbers(texts, form)
    written = dates.read_form(texts, form)
    local, notes = ordered(written, texts, date_order)
    zone_names = [name or title_zone for name in written.zones]
    utc, aware = np.full(len(local), NAT), np.array([bool(name) for name in zone_names], dtype=bool)[written.zone]
    for place, name in enumerate(zone_names):
        rows = written.zone == place
        zone = zones.zone_of(name or str(NEW_YORK), {other.upper() for other in zone_names if other != name})
        if zone is not None:
            utc[rows] = zones.to_utc(local[rows], zone)
            if name and "/" not in name and isinstance(zone, ZoneInfo):
                notes += (f"“{name}” was read as the time of {zone}.",)
    if title_zone and "" in written.zones:
        notes += (f"Times are {title_zone}, as the title of their column says.",)
    return _Moments(utc, local, aware, written.with_clock, notes)


def _iso(texts: pa.Array, title_zone: str) -> _Moments | None:
    """The usual form without a zone, 2023-01-03 09:30:00, which Arrow reads a hundred times faster; else None."""
    if len(texts) < dates.SAMPLE:
        return None
    lengths = integers(pc.utf8_length(texts))
    try:
        local = integers(pc.cast(texts, pa.timestamp("us"))).view("datetime64[us]")
    except pa.ArrowInvalid:
        return None
    zone = zones.zone_of(title_zone) if title_zone else NEW_YORK
    aware = np.full(len(local), bool(title_zone))
    return _Moments(zones.to_utc(local, zone or NEW_YORK), local, aware, lengths > len("2023-01-03"))


def _typed(column: pa.Array) -> _Moments:
    """The moments of a typed column of a Parquet file."""
    kind = column.type
    if pa.types.is_floating(kind):
        return _since_epoch(floats(pc.cast(column, pa.float64())))
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise ImportRefused(f"The column of times contains {kind}. Times must be dates, timestamps or text.")
    zone = zones.zone_of(kind.tz or "") if pa.types.is_timestamp(kind) and kind.tz else None
    if pa.types.is_timestamp(kind) and kind.tz and zone is None:
        raise ImportRefused(f"“{kind.tz}” is not a time zone that is known here. Save the times in UTC.")
    column = pc.cast(pc.cast(column, pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False), pa.int64())
    times = np.where(mask(pc.is_valid(column)), integers(column).view("datetime64[us]"), NAT)
    aware = np.full(len(times), zone is not None)
    with_clock = np.full(len(times), not pa.types.is_date(kind))
    if zone is None:
        return _Moments(zones.to_utc(times, NEW_YORK), times, aware, with_clock)
    return _Moments(times, zones.from_utc(times, zone), aware, with_clock)


def _numbers(texts: pa.Array, form: str) -> _Moments:
    """Numbers since 1970, or Excel's numbers of days."""
    texts = pc.if_else(
        pc.match_substring_regex(texts, r"^-?\d+(?:\.\d*)?(?:[eE]\+?\d+)?$"), texts, text_scalar(None)
    )
    if form == "serial":
        days = floats(pc.cast(texts, pa.float64()))
        seconds = np.round(days * 86_400)
        readable = np.isfinite(seconds)
        spans = np.where(readable, seconds, 0).astype("timedelta64[s]")
        since, what = EXCEL_EPOCH, "a spreadsheet's numbers of days"
        if _at_weekends(EXCEL_EPOCH + spans[readable]) and not _at_weekends(UNIX_EPOCH + spans[readable]):
            since, what = UNIX_EPOCH, "numbers of days since 1970"
        local = np.where(readable, since + spans, NAT)
        aware = np.zeros(len(local), dtype=bool)
        note = f"Dates were read as {what}."
        return _Moments(zones.to_utc(local, NEW_YORK), local, aware, days % 1 != 0, (note,))
    _refuse_lost_digits(texts)
    try:
        whole = integers(texts, null=np.iinfo(np.int64).min)
    except pa.ArrowInvalid:
        return _since_epoch(floats(pc.cast(texts, pa.float64())))
    return _since_epoch(whole)


def _at_weekends(moments: Times) -> bool:
    return bool((weekday(moments) >= SATURDAY).any())


def _refuse_lost_digits(texts: pa.Array) -> None:
    """Raise ImportRefused for times like 1.67E+12, of which a spreadsheet has kept too few digits."""
    short = pc.extract_regex(texts, r"^(?P<first>\d)\.(?P<more>\d+)[eE]\+?(?P<power>\d+)$").drop_null()
    if not len(short):
        return
    digits = pc.max(pc.utf8_length(pc.struct_field(short, "more"))).as_py()
    power = int(pc.struct_field(short, "power")[0].as_py())
    _, factor = _unit_of(10.0**power)
    if 10.0 ** (power - digits) * factor > MOST_LOST:
        example = pc.drop_null(texts)[0].as_py()
        raise ImportRefused(
            f"Times like “{example}” have lost digits in a spreadsheet. Export the file again, with the times as "
            "whole numbers or as dates."
        )


def _unit_of(size: float) -> tuple[str, float]:
    """The unit of numbers since 1970 of which the largest has this size, and the microseconds in it."""
    return next(((unit, factor) for below, unit, factor in UNITS if size < below), ("nanoseconds", 0.001))


def _since_epoch(values: NDArray[np.float64] | NDArray[np.int64]) -> _Moments:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970: the size of the largest tells which."""
    readable = np.isfinite(values) if values.dtype == np.float64 else values != np.iinfo(np.int64).min
    size = float(np.abs(values[readable]).max()) if readable.any() else 0.0
    unit, factor = _unit_of(size)
    values = np.where(readable, values, 0)
    if values.dtype == np.int64:
        micros = values // 1_000 if factor < 1 else values * int(factor)
    else:
        micros = np.round(values * factor).astype(np.int64)
    times = np.where(readable, micros.view("datetime64[us]"), NAT)
    everywhere = np.ones(len(times), dtype=bool)
    return _Moments(times, times, everywhere, everywhere, (f"Times were read as {unit} since 1970, in UTC.",))
