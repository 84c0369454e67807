import hashlib

import numpy as np
import pytest
from hypothesis import given

from tests.marketdata.examples import any_bars, daily_bars
from tradedesk.core.bars import COLUMNS, Bars
from tradedesk.marketdata.parts import Part, fingerprint_of_parts, history_pieces, join, tail_piece
from tradedesk.marketdata.store import fingerprint_of


@given(any_bars())
def test_the_history_is_divided_by_year_and_loses_nothing(bars: Bars) -> None:
    pieces = history_pieces(bars, "1Min")
    assert fingerprint_of(join([piece.bars for piece in pieces])) == fingerprint_of(bars)
    years = [set(np.datetime_as_string(piece.bars.time, "Y")) for piece in pieces]
    assert years == [{piece.part.period} for piece in pieces]
    assert [piece.part.period for piece in pieces] == sorted(np.unique(np.datetime_as_string(bars.time, "Y")))
    for part, own in pieces:
        assert (part.length, part.fingerprint) == (len(own), fingerprint_of(own))


@given(any_bars())
def test_daily_bars_are_one_part_with_the_fingerprint_of_the_series(bars: Bars) -> None:
    (piece,) = history_pieces(bars, "1Day")
    assert piece.part == Part("all", len(bars), fingerprint_of(bars))
    assert fingerprint_of_parts([piece.part]) == fingerprint_of(bars)


def test_the_fingerprint_of_several_parts_is_the_sha256_of_theirs() -> None:
    parts = [tail_piece(daily_bars(count)).part for count in (2, 3)]
    text = parts[0].fingerprint + parts[1].fingerprint
    assert fingerprint_of_parts(parts) == hashlib.sha256(text.encode()).hexdigest()
    assert fingerprint_of_parts(parts[::-1]) != fingerprint_of_parts(parts)


def test_joined_bars_are_contiguous_and_read_only() -> None:
    bars = daily_bars(9)
    joined = join([bars[:4], bars[4:5], bars[5:]])
    for name in COLUMNS:
        column = getattr(joined, name)
        assert column.flags.c_contiguous
        assert np.array_equal(column, getattr(bars, name))
        with pytest.raises(ValueError, match="read-only"):
            column[0] = column[1]


def test_one_piece_is_not_copied() -> None:
    bars = daily_bars(9)
    assert join([bars]) is bars
