import pytest

from tests.marketdata.examples import HEADER, daily_bars
from tests.marketdata.readers.reading import FIRST, SECOND, THIRD, lines, read, read_all, same
from tradedesk.marketdata.refusal import ImportRefused

ADJUSTED = HEADER.replace("Close", "Close,Adj Close")


def refusal_of(text: str, *, adjusted: bool = True) -> str:
    with pytest.raises(ImportRefused) as refusal:
        read(text, adjusted=adjusted)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2012-03-06,abc,12,10,11,1000", "Open is “abc”, not a number."),
        ("2012-03-06,10.5,12,10,11,many", "Volume is “many”, not a number."),
        ("2012-03-06,,12,10,11,1000", "Open is missing."),
        ("2012-03-06,10.5,12,10,inf,1000", "Close is inf, not above zero."),
        ("2012-03-06,10.5,12,0,11,1000", "Low is 0, not above zero."),
        ("2012-03-06,10.5,12,10,11,-1", "volume is -1, not a number from 0."),
        ("2012-03-06,11,10,12,11,1000", "high 10 is below low 12."),
        ("2012-03-06,13,12,10,11,1000", "open 13 or close 11 is not between low 10 and high 12."),
        ("soon,10.5,12,10,11,1000", "“soon” is not a time that can be read."),
        (",10.5,12,10,11,1000", "the time is missing."),
        ("2012-03-06,,,,,1000", "Open is missing."),  # somebody traded, so it is no empty row
        ("2012-03-05,9.5,11,9,10,1001", "2012-03-05 05:00 UTC stands in line 2 too, with other values."),
        ("2012-03-02,10.5,12,10,11,1000", "2012-03-02 05:00 UTC is earlier than the row before it"),
    ],
)
def test_a_bad_row_is_named_with_what_stands_there(row: str, message: str) -> None:
    found = refusal_of(lines(FIRST, row, THIRD, "2012-03-08,12.5,14,12,13,1000"))
    assert found.startswith(f"1 of 4 rows is bad. Line 3: {message}")


def test_a_message_counts_the_bad_rows_and_names_the_first_five() -> None:
    rows = [f"2012-03-{day:02},{'x' if day % 2 else 1},2,1,2,5" for day in range(1, 21)]
    rows[3] = "2012-03-04,1,2"
    found = refusal_of(lines(*rows))
    assert found.startswith("11 of 20 rows are bad. Line 2: Open is “x”")
    assert [f"Line {line}:" in found for line in (2, 4, 5, 6, 8, 10)] == [True] * 5 + [False]
    assert "And 6 more." in found


def test_rows_without_prices_are_left_out() -> None:
    found = read(lines(FIRST, "2012-03-06,null,null,null,null,null", "2012-03-06,,,,,0", SECOND, THIRD))
    assert same(found.bars, daily_bars(3))
    assert "Empty rows were left out: 2." in found.notes


def test_falling_rows_are_turned_round() -> None:
    found = read(lines(THIRD, SECOND, FIRST))
    assert same(found.bars, daily_bars(3))
    assert found.place(0) == "Line 4"
    assert len(found.notes) == 1


@pytest.mark.parametrize(
    "rows", [[FIRST, SECOND, SECOND, THIRD], [FIRST, SECOND, THIRD, SECOND], [THIRD, THIRD, SECOND, FIRST]]
)
def test_identical_rows_count_once(rows: list[str]) -> None:
    found = read(lines(*rows))
    assert same(found.bars, daily_bars(3))
    assert "Identical rows were kept once: 1 left out." in found.notes


def test_noise_of_floating_point_is_no_fault_and_more_is() -> None:
    noisy = "2012-03-05,10.000000000000002,10,9,9.5,1000"
    assert read(lines(noisy)).bars.high.tolist() == [10.000000000000002]
    assert "is not between" in refusal_of(lines("2012-03-05,10.0000001,10,9,9.5,1000"))


def test_a_missing_volume_is_zero_and_said() -> None:
    without = lines("2012-03-05,9.5,11,9,10", header=HEADER.removesuffix(",Volume"))
    empty = lines("2012-03-05,9.5,11,9,10,")
    for text in (without, empty):
        assert read(text).bars.volume.tolist() == [0.0]
        assert read(text).notes == ("The file has no volume: 0 was stored.",)
    some = read(lines("2012-03-05,9.5,11,9,10,", SECOND))
    assert some.bars.volume.tolist() == [0.0, 1000.0]
    assert "1 rows" in some.notes[0]


def test_ticks_stand_in_for_a_volume_of_zero() -> None:
    header = "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
    rows = ["2012.03.05\t9.5\t11\t9\t10\t1000\t0\t1", "2012.03.06\t10.5\t12\t10\t11\t1000\t0\t1"]
    assert same(read(lines(*rows, header=header)).bars, daily_bars(2))
    assert read(lines(rows[0].replace("\t0\t", "\t7\t"), header=header)).bars.volume.tolist() == [7.0]


def test_prices_are_adjusted_by_the_adjusted_close_when_they_are_not_adjusted() -> None:
    text = lines("2012-03-05,9.5,11,9,10,5,1000", "2012-03-06,10.5,12,10,11,11,1000", header=ADJUSTED)
    found = read(text, adjusted=False)
    assert found.adjusted
    assert found.bars.open.tolist() == [4.75, 10.5]
    assert found.bars.volume.tolist() == [2000.0, 1000.0]
    assert read(text).bars.open.tolist() == [9.5, 10.5]
    assert not read(lines(FIRST), adjusted=False).adjusted
    for value in ("", "0", "-1", "x"):
        bad = lines(f"2012-03-05,9.5,11,9,10,{value},1000", header=ADJUSTED)
        assert "Line 2: Adj Close is " in refusal_of(bad, adjusted=False)
        assert len(read(bad).bars) == 1


def test_a_column_of_symbols_gives_a_series_each_in_its_own_order() -> None:
    """Sorted by date and not by symbol, as many collections are; the names as charting sites write them."""
    header = "symbol,time,open,high,low,close,volume"
    rows = [f"{name},{row}" for row in (FIRST, SECOND, THIRD) for name in ("nasdaq:aaa", "BRK/B")]
    one, other = read_all(lines(*rows, header=header))
    assert (one.symbol, other.symbol) == ("AAA", "BRK-B")
    assert same(one.bars, daily_bars(3))
    assert [other.place(row) for row in range(3)] == ["Line 3", "Line 5", "Line 7"]
    assert "Line 4: the symbol is missing." in refusal_of(
        lines(*rows[:2], rows[2].replace("nasdaq:aaa", ""), header=header)
    )


def test_a_column_called_name_counts_only_if_it_holds_symbols() -> None:
    header = "Name,time,open,high,low,close,volume"
    assert read(lines(f"AAPL,{FIRST}", header=header)).symbol == "AAPL"
    assert read(lines(f"Apple Inc,{FIRST}", header=header)).symbol == ""
