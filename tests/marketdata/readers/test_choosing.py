import pytest

from tests.marketdata.examples import daily_bars
from tradedesk.marketdata.readers import FileSeries, choose
from tradedesk.marketdata.readers.symbol_names import file_symbol, symbol_of_name
from tradedesk.marketdata.refusal import ImportRefused


def series(symbol: str, source: str = "bars.csv") -> FileSeries:
    return FileSeries(symbol, daily_bars(2), True, (), lambda row: f"Line {row}", source)


def chosen(found: list[FileSeries], symbol: str) -> list[tuple[str, str]]:
    return [(name, each.symbol) for name, each in choose(found, symbol)]


def test_the_rows_of_the_asked_symbol_are_taken() -> None:
    several = [series("AAA"), series("BRK-B")]
    assert chosen(several, "AAA") == [("AAA", "AAA")]
    assert chosen(several, "BRK.B") == [("BRK.B", "BRK-B")]
    assert chosen(several, "") == [("AAA", "AAA"), ("BRK-B", "BRK-B")]
    assert chosen([series("")], "ANY") == [("ANY", "")]


def test_another_symbol_only_is_refused() -> None:
    for found in ([series("BBB")], [series("AAA"), series("BBB")]):
        with pytest.raises(ImportRefused, match="BBB") as refusal:
            choose(found, "XYZ")
        assert refusal.value.field == "symbol"


def test_of_several_files_the_name_of_each_counts() -> None:
    assert choose([series("", "MSFT.csv")], "AAPL")
    assert choose([series("", "AAPL_2023.csv")], "AAPL", alone=False)
    assert choose([series("", "2023.csv")], "AAPL", alone=False)
    with pytest.raises(ImportRefused, match="has bars of MSFT, not of AAPL"):
        choose([series("", "MSFT.csv")], "AAPL", alone=False)


def test_without_a_symbol_the_file_must_name_it() -> None:
    assert chosen([series("", "aapl.us.txt")], "") == [("AAPL", "")]
    with pytest.raises(ImportRefused, match="--symbol"):
        choose([series("", "prices 2023.csv")], "")


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("AAPL.csv", "AAPL"),
        ("aapl.us.txt", "AAPL"),
        ("folder/BRK.B.csv", "BRK.B"),
        ("AAPL_1Day.csv.gz", "AAPL"),
        ("BATS_AAPL, 1D.csv", "AAPL"),
        ("BTC-USD.csv", "BTC-USD"),
        ("2023-01.csv", ""),
        ("HistoricalData_1700000000.csv", ""),
        ("data.csv", ""),
    ],
)
def test_the_name_of_a_file_may_begin_with_its_symbol(name: str, symbol: str) -> None:
    assert symbol_of_name(name) == symbol


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        ("aapl", "AAPL"),
        ("XYZ.US", "XYZ"),
        ("NASDAQ:AAPL", "AAPL"),
        ("AAPL US Equity", "AAPL"),
        ("BTC/USD", "BTC-USD"),
    ],
)
def test_a_symbol_loses_its_exchange(written: str, symbol: str) -> None:
    assert file_symbol(written) == symbol
