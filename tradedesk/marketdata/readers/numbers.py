"""Prices and volumes from text: decimal sign, thousands, currencies, and K, M or B."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.marketdata.readers.arrays import floats, integers, is_equal, is_text, mask, text_array, text_scalar
from tradedesk.marketdata.refusal import ImportRefused

# How vendors, pandas and spreadsheets write a missing number.
EMPTY = text_array(["", "nan", "na", "n/a", "#n/a", "null", "none", "nil", "-", "--", "—", "nat", "<na>"])
NO_TEXT = text_scalar(None)
_CURRENCIES = r"[$€£¥]|USD|EUR|GBP|CHF|CAD|AUD|JPY|HKD|INR|SEK|NOK|DKK|PLN"
CURRENCY = rf"(?i)^(?:US\$|{_CURRENCIES})\s*|\s*(?:{_CURRENCIES})$"
# 1,234 and 9,990,608; also the groups of two in India, but not 0,123 or 99,87.
GROUPED_COMMA, GROUPED_POINT = (
    rf"^[-+]?[1-9]\d{{0,2}}(?:{sign}\d{{2,3}})*{sign}\d{{3}}$" for sign in (",", r"\.")
)
MULTIPLES = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A column as float64, NaN where empty or bad; which rows are empty, and which cannot be read as a number."""

    values: Floats
    empty: NDArray[np.bool_]
    bad: NDArray[np.bool_]


def read_numbers(columns: Sequence[pa.Array], *, decimal_comma: bool) -> tuple[list[Numbers], str]:
    """The columns as numbers, and the decimal sign that was decided over all of them.

    decimal_comma: commas that could be either are the decimal sign. Raises ImportRefused for a type that holds no
    numbers.
    """
    plain = [_plain(column) for column in columns]
    if all(plain):
        return [found for found in plain if found], "."
    # Each different text is looked at once.
    encoded: list[pa.DictionaryArray | None] = [
        column.cast(pa.string()).dictionary_encode() if is_text(column) else None for column in columns
    ]
    texts = [None if column is None else _trimmed(column.dictionary) for column in encoded]
    sign = _decimal_sign([text for text in texts if text is not None], decimal_comma=decimal_comma)
    found = []
    for number, column, text in zip(plain, encoded, texts, strict=True):
        # With a decimal comma, the points of a column that reads as plain numbers are thousands.
        usable = number if column is None or sign == "." else None
        found.append(usable or _of_rows(_cleaned(text, sign), column))
    return found, sign


def _plain(column: pa.Array) -> Numbers | None:
    """A column that needs no cleaning; None for the others."""
    kind = column.type
    if pa.types.is_null(kind):
        column = column.cast(pa.float64())
    elif is_text(column):
        try:
            column = pc.cast(column, pa.float64())
        except pa.ArrowInvalid:
            return None
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64(), safe=False)
    else:
        raise ImportRefused(f"A column of prices or of the volume contains {kind}, not numbers.")
    values = floats(column)
    return Numbers(values, np.isnan(values), np.zeros(len(values), dtype=bool))


def _trimmed(text: pa.Array) -> pa.Array:
    """The texts without spaces around them; null where empty, and a last one for rows that are null."""
    text = pc.utf8_trim_whitespace(pa.concat_arrays([text, pa.nulls(1, text.type)]))
    return pc.if_else(pc.is_in(pc.utf8_lower(text), value_set=EMPTY), NO_TEXT, text)


def _of_rows(distinct: Numbers, encoded: pa.DictionaryArray) -> Numbers:
    rows = integers(encoded.indices, null=len(distinct.values) - 1)
    return Numbers(distinct.values[rows], distinct.empty[rows], distinct.bad[rows])


def _cleaned(text: pa.Array, sign: str) -> Numbers:
    """text: trimmed, null where empty."""
    empty = mask(pc.is_null(text))
    try:
        # A group of thousands is no plain number, so this reads nothing wrongly.
        if sign == ".":
            return Numbers(floats(pc.cast(text, pa.float64())), empty, np.zeros(len(text), dtype=bool))
    except pa.ArrowInvalid:
        pass
    text = pc.replace_substring_regex(text, CURRENCY, "")
    thousands, decimal = (r"[,'’\s\x{a0}\x{202f}]", r"\.") if sign == "." else (r"[.'’\s\x{a0}\x{202f}]", ",")
    whole = rf"(?:[-+]?(?:\d{{1,3}}(?:{thousands}\d{{2,3}})*{thousands}\d{{3}}|\d*)"
    shape = rf"^{whole}(?:{decimal}\d*)?(?:[eE][-+]?\d+)?\s?[KkMmBbTt]?)$"
    fits = pc.and_(pc.match_substring_regex(text, shape), pc.match_substring_regex(text, r"\d"))
    text = pc.if_else(fits, text, NO_TEXT)
    unit = pc.utf8_upper(pc.utf8_slice_codeunits(text, -1))
    text = pc.replace_substring_regex(text, rf"{thousands}|[KkMmBbTt]$", "")
    if sign == ",":
        text = pc.replace_substring(text, ",", ".")
    values = floats(pc.cast(text, pa.float64()))
    for letter, multiple in MULTIPLES.items():
        has = mask(is_equal(unit, letter))
        values = np.where(has, values * multiple, values) if has.any() else values
    return Numbers(values, empty, ~empty & np.isnan(values))


def _decimal_sign(texts: Sequence[pa.Array], *, decimal_comma: bool) -> str:
    """The decimal sign of the columns, decided over all their cells."""

    def some(pattern: str) -> bool:
        return any(pc.any(pc.match_substring_regex(text, pattern), min_count=0).as_py() for text in bare)

    def some_ungrouped(sign: str, grouped: str) -> bool:
        having = (pc.filter(text, pc.match_substring(text, sign)) for text in bare)
        return not all(pc.all(pc.match_substring_regex(text, grouped), min_count=0).as_py() for text in having)

    bare = [pc.replace_substring_regex(text, rf"{CURRENCY}|\s?[KkMmBbTt]$", "") for text in texts]
    if not some(","):
        return "," if some(r"\d\.\d+\.\d") else "."
    comma_last, point_last = some(r"\..*,"), some(r",.*\.")
    if comma_last != point_last:
        return "," if comma_last else "."
    if some(",.*,"):
        return "."
    if some(r"\d\.\d+\.\d"):
        return ","
    comma, point = some_ungrouped(",", GROUPED_COMMA), some_ungrouped(".", GROUPED_POINT)
    if comma != point:
        return "," if comma else "."
    return "," if decimal_comma else "."
