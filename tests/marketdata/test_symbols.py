import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.marketdata.store import bars_path
from tradedesk.marketdata.symbols import SYMBOL, InvalidSymbol, clean_symbol

FINGERPRINT = "0" * 64


@pytest.mark.parametrize(
    ("text", "symbol"),
    [("AAPL", "AAPL"), (" brk.b ", "BRK.B"), ("bf-b", "BF-B"), ("3M", "3M"), ("a" * 15, "A" * 15)],
)
def test_a_symbol_is_in_upper_case_without_surrounding_spaces(text: str, symbol: str) -> None:
    assert clean_symbol(text) == symbol


@pytest.mark.parametrize(
    "text", ["", " ", ".A", "-A", "A B", "A/B", "..", "../x", "a" * 16, "ß", "ıbm", "Ａ", "A\x00", "A_B"]
)
def test_an_invalid_symbol_is_refused(text: str) -> None:
    with pytest.raises(InvalidSymbol, match="is not a symbol"):
        clean_symbol(text)


@given(st.text(max_size=20))
def test_no_valid_symbol_leaves_its_folder(text: str) -> None:
    try:
        path = bars_path("csv", text, "1Day", "all", FINGERPRINT, owner_id=None)
    except ValueError:
        return
    provider, symbol, name = path.split("/")
    assert (provider, name) == ("csv", "1Day.all.0000000000000000.parquet")
    assert SYMBOL.fullmatch(symbol)


@pytest.mark.parametrize(
    ("provider", "timeframe", "period", "fingerprint"),
    [
        ("../csv", "1Day", "all", FINGERPRINT),
        ("csv", "2Day", "all", FINGERPRINT),
        ("csv", "1Day", "../all", FINGERPRINT),
        ("csv", "1Day", "all", "../../etc"),
        ("", "1Day", "all", FINGERPRINT),
    ],
)
def test_the_other_parts_of_a_path_are_checked_too(
    provider: str, timeframe: str, period: str, fingerprint: str
) -> None:
    with pytest.raises(ValueError, match=r"cannot be part of the path|not a valid Timeframe"):
        bars_path(provider, "AAPL", timeframe, period, fingerprint, owner_id=None)
