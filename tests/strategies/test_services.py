from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds import InvalidParameters, kinds, make_kind
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
from tradedesk.core.bars import Timeframe
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


def test_it_saves_the_values_and_fills_in_defaults(alice: User) -> None:
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


def test_saving_a_deleted_strategy_is_refused(alice: User) -> None:
    strategy = save_strategy(alice, **VALUES)
    Strategy.objects.all().delete()
    with pytest.raises(InvalidStrategy) as refusal:
        save_strategy(alice, **VALUES, strategy=strategy)
    assert refusal.value.errors == {"": "This strategy was deleted while you were editing it."}
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


def test_an_invalid_strategy_saves_nothing(alice: User) -> None:
    with pytest.raises(InvalidStrategy):
        save_strategy(alice, **{**VALUES, "name": ""})
    assert not Strategy.objects.exists()
    assert version_of(alice) == 0


@pytest.mark.parametrize("name", ["", " \t\n ", "x" * 81, "a\x00b", "a\x1bb", "a\ud800b"])
def test_an_invalid_name_is_refused(name: str) -> None:
    assert list(errors_of(name=name)) == ["name"]


@pytest.mark.parametrize(
    ("values", "key", "message"),
    [
        ({"name": ""}, "name", "Give the strategy a name."),
        ({"name": "x" * 81}, "name", "A name has at most 80 characters, not 81."),
        ({"name": "a\x00b"}, "name", "The name contains a character that cannot be stored."),
        ({"kind": "astrology"}, "kind", "There is no strategy kind “astrology”. Kinds: adx_trend, "),
        ({"timeframe": "2Day"}, "timeframe", f"The timeframe must be one of {', '.join(Timeframe)}."),
        ({"symbols": "A$"}, "symbols", "“A$” is not a symbol."),
        ({"symbols": [f"S{n}" for n in range(51)]}, "symbols", "At most 50 symbols, not 51."),
        ({"parameters": {"fast": 1}}, "parameters.fast", "Fast average must be between 2 and 400."),
        ({"parameters": {"fast": "10"}}, "parameters.fast", "Fast average must be a whole number."),
        ({"parameters": {"fsat": 10}}, "parameters.fsat", "SMA crossover has no parameter “fsat”."),
        (
            {"parameters": {"fast": 20, "slow": 20}},
            "parameters",
            "The fast average (20) must be shorter than the slow average (20).",
        ),
    ],
)
def test_the_messages_of_refusals(values: dict[str, Any], key: str, message: str) -> None:
    assert errors_of(**values)[key].startswith(message)


@pytest.mark.parametrize("name", ["x", "x" * 80, "Ünïcode 📈", "<b>bold</b>", "'; DROP TABLE"])
def test_a_valid_name_is_stored_unchanged(alice: User, name: str) -> None:
    save_strategy(alice, **{**VALUES, "name": name})
    assert Strategy.objects.get().name == name


def test_white_space_in_a_name_is_normalized() -> None:
    assert clean_strategy(**{**VALUES, "name": "  Tech \n stocks "})["name"] == "Tech stocks"


def test_an_unknown_kind_is_refused_with_the_keys_of_all_kinds() -> None:
    message = errors_of(kind="astrology")["kind"]
    assert all(key in message for key in kinds())


@pytest.mark.parametrize("timeframe", ["", "2Week", "1day", "1Day "])
def test_an_unknown_timeframe_is_refused(timeframe: str) -> None:
    assert list(errors_of(timeframe=timeframe)) == ["timeframe"]


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"fast": 1}, "parameters.fast"),
        ({"slow": 401}, "parameters.slow"),
        ({"fast": "10"}, "parameters.fast"),
        ({"fast": 10.5}, "parameters.fast"),
        ({"fast": True}, "parameters.fast"),
        ({"fast": None}, "parameters.fast"),
        ({"fast": float("nan")}, "parameters.fast"),
        ({"fast": 10**400}, "parameters.fast"),
        ({"fast": 20, "slow": 20}, "parameters"),
        ({"fsat": 10}, "parameters.fsat"),
    ],
)
def test_invalid_parameters_are_refused(parameters: dict[str, Any], key: str) -> None:
    assert list(errors_of(parameters=parameters)) == [key]


def test_all_errors_are_reported_together() -> None:
    errors = errors_of(name="", parameters={"fast": 0, "slow": "x"}, symbols="$", timeframe="1Year")
    assert set(errors) == {"name", "parameters.fast", "parameters.slow", "symbols", "timeframe"}


@given(fast=st.integers() | st.floats(), slow=st.integers() | st.floats())
def test_it_accepts_the_same_parameters_as_the_kind(fast: float, slow: float) -> None:
    parameters = {"fast": fast, "slow": slow}
    try:
        expected = make_kind("sma_crossover", parameters).parameters
    except InvalidParameters:
        errors_of(parameters=parameters)
    else:
        assert clean_strategy(**{**VALUES, "parameters": parameters})["parameters"] == expected


@pytest.mark.parametrize(
    ("text", "symbols"),
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
def test_it_parses_symbols(text: str | list[str], symbols: list[str]) -> None:
    assert clean_symbols(text) == symbols


@pytest.mark.parametrize(
    "text",
    ["$AAPL", ".B", "-A", "AAPL/MSFT", "ABCDEFGHIJKLMNOP", "ÄÖÜ", "AA\x00PL", "../../etc", "ſ", ["AAPL MSFT"]],
)
def test_an_invalid_symbol_is_refused(text: str | list[str]) -> None:
    with pytest.raises(InvalidStrategy) as refusal:
        clean_symbols(text)
    assert list(refusal.value.errors) == ["symbols"]


def test_a_refusal_of_long_text_is_short() -> None:
    with pytest.raises(InvalidStrategy) as refusal:
        clean_symbols("X" * 1_000_000)
    assert len(str(refusal.value)) < 300


def test_it_accepts_50_symbols_and_not_51() -> None:
    symbols = [f"S{number}" for number in range(MAX_SYMBOLS + 1)]
    assert clean_symbols(symbols[:-1] * 2) == symbols[:-1]
    with pytest.raises(InvalidStrategy) as refusal:
        clean_symbols(symbols)
    assert list(refusal.value.errors) == ["symbols"]


@given(st.text())
def test_clean_symbols_stay_the_same_when_cleaned_again(text: str) -> None:
    try:
        symbols = clean_symbols(text)
    except InvalidStrategy:
        return
    assert clean_symbols(symbols) == clean_symbols(", ".join(symbols)) == symbols
    assert all(symbol == symbol.upper() and len(symbol) <= 15 for symbol in symbols)


def test_symbols_without_bars_are_saved_with_a_hint(alice: User) -> None:
    now = datetime(2012, 3, 5, tzinfo=UTC)
    for symbol, timeframe in (("AAPL", "1Day"), ("TSLA", "1Week")):
        BarSeries.objects.create(
            provider="sample",
            symbol=symbol,
            timeframe=timeframe,
            first=now,
            last=now,
            count=1,
            adjusted=True,
            part_rows=[["all", 1, "f" * 64]],
            fingerprint="f" * 64,
            updated_at=now,
        )
    strategy = save_strategy(alice, **{**VALUES, "symbols": "AAPL TSLA NVDA"})
    assert strategy.symbols == ["AAPL", "TSLA", "NVDA"]
    hint = bars_hint(alice.pk, strategy.symbols, strategy.timeframe)
    assert "TSLA, NVDA" in hint
    assert "AAPL" not in hint
    assert "manage.py import_bars FILE --symbol TSLA --timeframe 1Day" in hint
    assert bars_hint(alice.pk, ["AAPL"], "1Day") == ""
    assert bars_hint(alice.pk, [], "1Day") == ""
