import numpy as np
import pytest

from tests.marketdata.readers.reading import read
from tradedesk.marketdata.readers.arrays import text_array
from tradedesk.marketdata.readers.numbers import read_numbers

NAN = float("nan")


@pytest.mark.parametrize(
    ("cells", "decimal_comma", "expected"),
    [
        (["1", "2.5", "1e3", ".5"], False, [1, 2.5, 1000, 0.5]),
        (["$145.11", "$1,145.11", "USD 2", "3 €"], False, [145.11, 1145.11, 2, 3]),
        (["2,996.10", "996.1"], False, [2996.1, 996.1]),
        (["2.996,10", "996,1"], False, [2996.1, 996.1]),  # the comma comes last
        (["99,87", "100,1"], False, [99.87, 100.1]),  # no groups of thousands
        (["9,990,608", "1,000"], False, [9990608, 1000]),
        (["9.990.608", "1.000"], False, [9990608, 1000]),
        (["1,234"], False, [1234]),  # open: thousands, but
        (["1,234"], True, [1.234]),  # decimals where the separator is a semicolon
        (["1.234"], True, [1.234]),  # a point alone is a decimal sign
        (["1'234.5", "2 234.5", "3\u00a0234.5"], False, [1234.5, 2234.5, 3234.5]),
        (["12,34,567.5"], False, [1234567.5]),
        (["89.11M", "1.5K", "2B", "7"], False, [89.11e6, 1500, 2e9, 7]),
        (["1,5M", "2,25K"], False, [1.5e6, 2250]),
        (["", "null", "N/A", "-", "nan"], False, [NAN] * 5),
    ],
)
def test_a_column_is_understood_as_a_whole(cells: list[str], decimal_comma: bool, expected: list[float]) -> None:
    (numbers,), _ = read_numbers([text_array(cells)], decimal_comma=decimal_comma)
    np.testing.assert_allclose(numbers.values, expected, rtol=1e-12)
    assert not numbers.bad.any()
    assert (numbers.empty == np.isnan(expected)).all()


@pytest.mark.parametrize("cell", ["abc", "1.2.3x", "12,34.5.6", "1 2", "5%", "1,2345.6", "0x10", "1_000"])
def test_what_is_no_number_is_bad(cell: str) -> None:
    (numbers,), _ = read_numbers([text_array(["1,000.5", cell, ""])], decimal_comma=False)
    assert numbers.bad.tolist() == [False, True, False]
    assert numbers.empty.tolist() == [False, False, True]


def test_the_decimal_sign_is_decided_over_all_columns() -> None:
    (price, volume), sign = read_numbers([text_array(["99,87"]), text_array(["5.381"])], decimal_comma=False)
    assert (price.values[0], volume.values[0], sign) == (99.87, 5381.0, ",")


def test_commas_in_prices_are_told_however_they_were_read() -> None:
    rows = "2012-03-05\t98,790\t100,140\t98,760\t100,000\t5\n"
    found = read("Date\tOpen\tHigh\tLow\tClose\tVolume\n" + rows)
    assert found.notes == ("Commas in prices were read as thousands.",)
    assert found.bars.close[0] == 100_000.0
    assert read(rows.join(["Date;Open;High;Low;Close;Volume\n", ""]).replace("\t", ";")).bars.close[0] == 100.0
