from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds import InvalidParameters, make_kind
from strategies.models import Strategy
from strategies.services import (
    MAX_SYMBOLS,
    InvalidStrategy,
    bars_hint,
    clean_strategy,
    clean_symbols,
    delete_strategy,
    save_strategy,
)
from tradedesk.accounts.models import User, UserVersion
from tradedesk.marketdata.models import BarSeries

VALUES: dict[str, Any] = {
    "name": "Tech",
    "kind": "sma_crossover",
    "parameters": {"fast": 5, "slow": 20},
    "symbols": ["AAPL"],
    "timeframe": "1Day",
}


def errors_of(**values: Any) -> dict[str, str]:
    with pytest.raises(InvalidStrategy) as refusal:
        clean_strategy(**{**VALUES, **values})
    return refusal.value.errors


def version_of(user: User) -> int:
    return sum(UserVersion.objects.filter(user=user).values_list("number", flat=True))


def test_it_saves_what_was_given_and_fills_in_defaults(alice: User) -> None:
    strategy = save_strategy(alice, **{**VALUES, "parameters": {"fast": 7}})
    stored = Strategy.objects.get()
    assert stored == strategy
    assert stored.user == alice
    assert (stored.name, stored.kind, stored.symbols, stored.timeframe) == (
        "Tech",
        "sma_crossover",
        ["AAPL"],
        "1Day",
    )
    assert stored.parameters == {"fast": 7, "slow": 30}


def test_it_changes_a_strategy_in_place(alice: User) -> None:
    strategy = save_strategy(alice, **VALUES)
    before = strategy.updated_at
    changed = save_strategy(
        alice, **{**VALUES, "name": "Hold", "kind": "buy_and_hold", "parameters": {}}, strategy=strategy
    )
    stored = Strategy.objects.get()
    assert changed == stored == strategy
    assert (stored.name, stored.kind, stored.parameters) == ("Hold", "buy_and_hold", {})
    assert changed.updated_at == stored.updated_at > before


def test_it_never_brings_a_deleted_strategy_back(alice: User) -> None:
    strategy = save_strategy(alice, **VALUES)
    Strategy.objects.all().delete()
    with pytest.raises(InvalidStrategy, match="deleted in the meantime"):
        save_strategy(alice, **VALUES, strategy=strategy)
    assert not Strategy.objects.exists()


def test_it_never_changes_the_strategy_of_another_user(alice: User, bob: User) -> None:
    strategy = save_strategy(alice, **VALUES)
    with pytest.raises(InvalidStrategy):
        save_strategy(bob, **{**VALUES, "name": "Bob was here"}, strategy=strategy)
    assert Strategy.objects.get().name == "Tech"


def test_saving_and_deleting_refresh_the_users_pages(alice: User, bob: User) -> None:
    strategy = save_strategy(alice, **VALUES)
    after_create = version_of(alice)
    save_strategy(alice, **VALUES, strategy=strategy)
    after_change = version_of(alice)
    delete_strategy(strategy)
    assert after_create < after_change < version_of(alice)
    assert version_of(bob) == 0
    assert not Strategy.objects.exists()


def test_a_refused_strategy_leaves_nothing_behind(alice: User) -> None:
    with pytest.raises(InvalidStrategy):
        save_strategy(alice, **{**VALUES, "name": ""})
    assert not Strategy.objects.exists()
    assert version_of(alice) == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Give the strategy a name."),
        (" \t\n ", "Give the strategy a name."),
        ("x" * 81, "A name has at most 80 characters, not 81."),
        ("a\x00b", "The name has a character that cannot be stored."),
        ("a\x1bb", "The name has a character that cannot be stored."),
        ("a\ud800b", "The name has a character that cannot be stored."),
    ],
)
def test_it_refuses_a_bad_name(name: str, message: str) -> None:
    assert errors_of(name=name) == {"name": message}


@pytest.mark.parametrize("name", ["x", "x" * 80, "Ünïcode 📈", "<b>bold</b>", "'; DROP TABLE"])
def test_it_keeps_a_good_name_as_it_is(alice: User, name: str) -> None:
    save_strategy(alice, **{**VALUES, "name": name})
    assert Strategy.objects.get().name == name


def test_it_tidies_the_white_space_of_a_name() -> None:
    assert clean_strategy(**{**VALUES, "name": "  Tech \n stocks "})["name"] == "Tech stocks"


def test_it_names_the_kinds_there_are() -> None:
    message = errors_of(kind="astrology")["kind"]
    assert "astrology" in message
    assert "sma_crossover" in message


@pytest.mark.parametrize("timeframe", ["", "1Week", "1day", "1Day "])
def test_it_refuses_an_unknown_timeframe(timeframe: str) -> None:
    message = "The timeframe must be one of 1Min, 5Min, 15Min, 1Hour, 1Day."
    assert errors_of(timeframe=timeframe) == {"timeframe": message}


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ({"fast": 1}, "parameters.fast", "Fast average must be between "),
        ({"slow": 401}, "parameters.slow", "Slow average must be between "),
        ({"fast": "10"}, "parameters.fast", "Fast average must be a whole number."),
        ({"fast": 10.5}, "parameters.fast", "Fast average must be a whole number."),
        ({"fast": True}, "parameters.fast", "Fast average must be a whole number."),
        ({"fast": None}, "parameters.fast", "Fast average must be a whole number."),
        ({"fast": float("nan")}, "parameters.fast", "Fast average must be a whole number."),
        ({"fast": 10**400}, "parameters.fast", "Fast average must be between "),
        ({"fast": 20, "slow": 20}, "parameters", "must be shorter than"),
        ({"fsat": 10}, "parameters.fsat", "has no parameter “fsat”"),
    ],
)
def test_it_refuses_bad_parameters(parameters: dict[str, Any], field: str, message: str) -> None:
    errors = errors_of(parameters=parameters)
    assert list(errors) == [field]
    assert message in errors[field]


def test_it_reports_every_error_at_once() -> None:
    errors = errors_of(name="", parameters={"fast": 0, "slow": "x"}, symbols="$", timeframe="1Year")
    assert set(errors) == {"name", "parameters.fast", "parameters.slow", "symbols", "timeframe"}


@given(fast=st.integers() | st.floats(), slow=st.integers() | st.floats())
def test_it_accepts_exactly_the_parameters_that_the_kind_accepts(fast: float, slow: float) -> None:
    parameters = {"fast": fast, "slow": slow}
    try:
        expected = make_kind("sma_crossover", parameters).parameters
    except InvalidParameters:
        errors_of(parameters=parameters)
    else:
        assert clean_strategy(**{**VALUES, "parameters": parameters})["parameters"] == expected


@pytest.mark.parametrize(
    ("typed", "symbols"),
    [
        ("", []),
        (" , ;\n", []),
        ("aapl", ["AAPL"]),
        ("MSFT, aapl;ibm\tGOOG\nFB", ["MSFT", "AAPL", "IBM", "GOOG", "FB"]),
        ("aapl AAPL Aapl msft", ["AAPL", "MSFT"]),
        ("brk.b, BF-A, 0700", ["BRK.B", "BF-A", "0700"]),
        (["ibm ", "IBM", "", "fb"], ["IBM", "FB"]),
        ("ABCDEFGHIJKLMNO", ["ABCDEFGHIJKLMNO"]),
    ],
)
def test_it_reads_symbols(typed: str | list[str], symbols: list[str]) -> None:
    assert clean_symbols(typed) == symbols


@pytest.mark.parametrize(
    "typed",
    ["$AAPL", ".B", "-A", "AAPL/MSFT", "ABCDEFGHIJKLMNOP", "ÄÖÜ", "AA\x00PL", "../../etc", "ſ", ["AAPL MSFT"]],
)
def test_it_refuses_what_is_no_symbol(typed: str | list[str]) -> None:
    with pytest.raises(InvalidStrategy, match="is not a symbol") as refusal:
        clean_symbols(typed)
    assert list(refusal.value.errors) == ["symbols"]


def test_a_refusal_never_repeats_a_page_of_text() -> None:
    with pytest.raises(InvalidStrategy) as refusal:
        clean_symbols("X" * 1_000_000)
    assert len(str(refusal.value)) < 300


def test_it_takes_as_many_symbols_as_it_says() -> None:
    symbols = [f"S{number}" for number in range(MAX_SYMBOLS + 1)]
    assert clean_symbols(symbols[:-1] * 2) == symbols[:-1]
    with pytest.raises(InvalidStrategy, match="At most 50 symbols, not 51"):
        clean_symbols(symbols)


@given(st.text())
def test_clean_symbols_are_clean_already(typed: str) -> None:
    try:
        symbols = clean_symbols(typed)
    except InvalidStrategy:
        return
    assert clean_symbols(symbols) == clean_symbols(", ".join(symbols)) == symbols
    assert all(symbol == symbol.upper() and len(symbol) <= 15 for symbol in symbols)


def test_symbols_without_bars_are_saved_and_pointed_out(alice: User) -> None:
    now = datetime(2012, 3, 5, tzinfo=UTC)
    for symbol, timeframe in (("AAPL", "1Day"), ("TSLA", "1Hour")):
        BarSeries.objects.create(
            provider="sample",
            symbol=symbol,
            timeframe=timeframe,
            first=now,
            last=now,
            count=1,
            adjusted=True,
            fingerprint="f" * 64,
            updated_at=now,
        )
    strategy = save_strategy(alice, **{**VALUES, "symbols": "AAPL TSLA NVDA"})
    assert strategy.symbols == ["AAPL", "TSLA", "NVDA"]
    hint = bars_hint(strategy.symbols, strategy.timeframe)
    assert "TSLA, NVDA" in hint
    assert "AAPL" not in hint
    assert "manage.py import_bars FILE --symbol TSLA --timeframe 1Day" in hint
    assert bars_hint(["AAPL"], "1Day") == ""
    assert bars_hint([], "1Day") == ""
