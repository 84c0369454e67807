"""The rules of an account, pure: every kind at its limit, just below and just above it, at zero, for huge values
and without the data that it needs."""

import math
from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.models.account_rule_kinds import KINDS, Compare, Values
from livetrading.pipeline.account_rules import (
    AccountFigures,
    ProposedEntry,
    RuleValues,
    find_block,
    is_reached,
    reading_of,
)

NOON = datetime(2012, 3, 7, 17, tzinfo=UTC)  # 12:00 in New York
LIMITS = [kind for kind in KINDS.values() if kind.values is Values.LIMIT]
PARTS = ["exposure_total", "exposure_symbol", "exposure_sector"]
each_limit = pytest.mark.parametrize("kind", [kind.key for kind in LIMITS])


def figures(**values: Any) -> AccountFigures:
    known: dict[str, Any] = {"equity": 100_000.0, "peak_equity": 100_000.0, "day_start_equity": 100_000.0}
    return AccountFigures(NOON, **(known | values))


def entry(symbol: str = "AAPL", **values: Any) -> ProposedEntry:
    known: dict[str, Any] = {"dollars": 0.0, "last_price": 50.0, "bar_price": 50.0, "average_volume": 1e6}
    return ProposedEntry(symbol, **(known | values))


def reading_at(kind: str, value: float) -> tuple[AccountFigures, ProposedEntry]:
    """An account and an entry that bring the reading of this kind to `value`; counts include the entry."""
    count = max(int(value), 1)
    sectors = {"AAPL": "Technology", "MSFT": "Technology", "XOM": "Energy"}
    match kind:
        case "open_positions":
            held = figures()
            for number in range(count - 1):
                held.add(f"S{number}", 10.0)
            return held, entry()
        case "exposure_total" | "exposure_sector" | "exposure_symbol":
            held = figures(sectors=sectors)
            held.add("MSFT" if kind != "exposure_symbol" else "AAPL", value * 40_000)
            held.add("XOM", 0.0 if kind == "exposure_total" else 5e9)
            return held, entry(dollars=value * 60_000)
        case "order_value":
            return figures(), entry(dollars=value)
        case "orders_per_day":
            return figures(orders_today=count - 1), entry()
        case "orders_per_minute":
            return figures(orders_in_minute=count - 1), entry()
        case "daily_loss_dollars":
            return figures(day_start_equity=1e13, equity=1e13 - value), entry()
        case "daily_loss_pct":
            return figures(day_start_equity=2.0**20, equity=2.0**20 * (1 - value)), entry()
        case "max_drawdown_dollars":
            return figures(peak_equity=1e13, equity=1e13 - value), entry()
        case "max_drawdown_pct":
            return figures(peak_equity=2.0**20, equity=2.0**20 * (1 - value)), entry()
        case "min_price":
            return figures(), entry(last_price=value)
        case "min_average_volume":
            return figures(), entry(average_volume=value)
        case "price_collar":
            return figures(), entry(last_price=100.0 * (1 + value), bar_price=100.0)
    raise AssertionError(kind)


def blocked(kind: str, limit: float, held: AccountFigures, proposed: ProposedEntry) -> bool:
    return find_block([RuleValues(7, kind, limit)], held, proposed) is not None


def test_every_kind_is_tested_in_this_file() -> None:
    for kind in LIMITS:
        reading_at(kind.key, kind.low)
    assert set(KINDS) - {kind.key for kind in LIMITS} == {"blocked_symbols", "trading_window"}


@given(st.data())
@each_limit
def test_an_entry_passes_up_to_the_limit_and_is_blocked_beyond_it(kind: str, data: st.DataObject) -> None:
    declared = KINDS[kind]
    whole = kind in ("open_positions", "orders_per_day", "orders_per_minute")
    most = min(declared.high, 300) if whole else min(declared.high, 1e7)
    limit = data.draw(st.integers(2, int(most)) if whole else st.floats(max(declared.low, 0.01), most))
    step = 1.0 if whole else max(limit * 1e-4, 0.01)
    if declared.unit == "fraction":
        step = limit * 1e-4
    at, below, above = (reading_at(kind, limit + change) for change in (0.0, -step, step))
    expected = {
        Compare.AT_MOST: (False, False, True),
        Compare.AT_LEAST: (False, True, False),
        Compare.BELOW: (None, False, True),  # at the limit itself rounding decides
    }[declared.compare]
    for found, (held, proposed) in zip(expected, (at, below, above), strict=True):
        if found is not None:
            assert blocked(kind, limit, held, proposed) is found


def test_a_loss_that_is_exactly_at_its_limit_blocks() -> None:
    for kind, losses in (("daily_loss", "day_start_equity"), ("max_drawdown", "peak_equity")):
        held = figures(equity=96_000.0, **{losses: 100_000.0})
        for unit, limit in (("dollars", 4_000.0), ("pct", 0.04)):
            rule = RuleValues(1, f"{kind}_{unit}", limit)
            assert is_reached(rule, held)
            assert find_block([rule], held, entry()) is not None
            assert not is_reached(RuleValues(1, f"{kind}_{unit}", limit * 1.001), held)


@each_limit
def test_zero_passes_an_upper_limit_and_not_a_lower_one(kind: str) -> None:
    held, proposed = figures(), entry(dollars=0.0, last_price=50.0, bar_price=50.0, average_volume=0.0)
    if kind == "min_price":
        proposed = entry(last_price=0.0)
    declared = KINDS[kind]
    assert blocked(kind, declared.high, held, proposed) is (declared.compare is Compare.AT_LEAST)


@each_limit
def test_a_huge_value_is_blocked_by_an_upper_limit_and_passes_a_lower_one(kind: str) -> None:
    held = figures(equity=1.0, peak_equity=1e15, day_start_equity=1e15, sectors={"AAPL": "Technology"})
    held.orders_today = held.orders_in_minute = 10**9
    for number in range(20_000 if kind == "open_positions" else 0):
        held.lots[f"S{number}"] = 1
    proposed = entry(dollars=1e15, last_price=1e15, bar_price=1.0, average_volume=1e15)
    limit = 0.999 if KINDS[kind].unit == "fraction" else KINDS[kind].high
    assert blocked(kind, limit, held, proposed) is (KINDS[kind].compare is not Compare.AT_LEAST)


NEEDS: dict[str, dict[str, Any]] = {
    **{kind: {"equity": None} for kind in (*PARTS, "daily_loss_dollars", "daily_loss_pct", "max_drawdown_pct")},
    "max_drawdown_dollars": {"peak_equity": None},
    "min_price": {"last_price": None},
    "min_average_volume": {"average_volume": None},
    "price_collar": {"bar_price": None},
}


# Zero dollars are a known loss, and without a peak there is no drawdown.
ZERO_IS_KNOWN = {kind for kind in NEEDS if kind.endswith("_dollars")} | {"max_drawdown_pct"}
MISSING = [(kind, value) for kind in sorted(NEEDS) for value in (None, math.nan)]
MISSING += [(kind, 0.0) for kind in sorted(NEEDS) if kind not in ZERO_IS_KNOWN]


@pytest.mark.parametrize(("kind", "missing"), MISSING)
def test_without_the_data_that_it_needs_a_rule_blocks(kind: str, missing: float | None) -> None:
    (name,) = NEEDS[kind]
    values: dict[str, Any] = {name: missing}
    of_account = name in ("equity", "peak_equity")
    held = figures(sectors={"AAPL": "Technology"}, **(values if of_account else {}))
    assert blocked(kind, KINDS[kind].high, held, entry("AAPL", **({} if of_account else values)))


def test_an_unknown_sector_is_not_limited() -> None:
    held = figures(equity=None, sectors={"MSFT": "Technology"})
    assert not blocked("exposure_sector", 0.01, held, entry(dollars=1e9))
    assert blocked("exposure_sector", 0.01, held, entry("MSFT", dollars=1e9))


def test_only_the_symbols_of_the_same_sector_count() -> None:
    held = figures(sectors={"AAPL": "Technology", "MSFT": "Technology", "XOM": "Energy"})
    held.add("MSFT", 30_000.0)
    held.add("XOM", 90_000.0)
    held.add("IBM", 90_000.0)
    assert not blocked("exposure_sector", 0.4, held, entry(dollars=10_000.0))
    assert blocked("exposure_sector", 0.4, held, entry(dollars=10_001.0))


def test_a_symbol_that_is_held_already_is_no_further_position() -> None:
    held = figures()
    held.add("AAPL", 100.0)
    assert not blocked("open_positions", 1, held, entry("AAPL"))
    assert blocked("open_positions", 1, held, entry("IBM"))
    held.remove("AAPL", 100.0)
    assert not blocked("open_positions", 1, held, entry("IBM"))


def test_blocked_symbols() -> None:
    rule = RuleValues(3, "blocked_symbols", symbols=frozenset({"AAPL", "GME"}))
    found = find_block([rule], figures(), entry("GME"))
    assert found is not None
    assert (found.rule_id, found.reason) == (3, "Blocked symbols: GME is blocked.")
    assert find_block([rule], figures(), entry("IBM")) is None
    assert find_block([RuleValues(3, "blocked_symbols")], figures(), entry("GME")) is None


@pytest.mark.parametrize(
    ("window", "minute", "passes"),
    [
        ((time(9, 30), time(16)), (9, 29), False),
        ((time(9, 30), time(16)), (9, 30), True),
        ((time(9, 30), time(16)), (15, 59), True),
        ((time(9, 30), time(16)), (16, 0), False),
        ((time(15), time(2)), (16, 0), True),
        ((time(15), time(2)), (1, 59), True),
        ((time(15), time(2)), (2, 0), False),
        (None, (12, 0), False),
    ],
)
def test_the_trading_window_is_in_new_york(
    window: tuple[time, time] | None, minute: tuple[int, int], passes: bool
) -> None:
    """The two days have different distances from UTC."""
    for day, hours in ((datetime(2012, 1, 17, tzinfo=UTC), 5), (datetime(2012, 7, 17, tzinfo=UTC), 4)):
        now = day.replace(hour=(minute[0] + hours) % 24, minute=minute[1])
        held = AccountFigures(now, 1.0, 1.0, 1.0)
        assert (find_block([RuleValues(1, "trading_window", window=window)], held, entry()) is None) is passes


def test_the_first_rule_that_blocks_gives_the_reason() -> None:
    symbols = RuleValues(1, "blocked_symbols", symbols=frozenset({"AAPL"}))
    value = RuleValues(2, "order_value", 100.0)
    found = [find_block(rules, figures(), entry(dollars=200.0)) for rules in ([symbols, value], [value, symbols])]
    assert [block and block.rule_id for block in found] == [1, 2]
    assert find_block([value, symbols], figures(), entry("IBM", dollars=100.0)) is None
    assert find_block([], figures(), entry(dollars=1e12)) is None


def test_a_limit_that_has_tripped_blocks_also_when_the_loss_was_won_back() -> None:
    rule = RuleValues(1, "daily_loss_dollars", 100.0, tripped="It was reached at noon.")
    found = find_block([rule], figures(), entry())
    assert found is not None
    assert found.reason == "Daily loss limit ($): It was reached at noon."


@pytest.mark.parametrize(
    ("kind", "limit", "held", "proposed", "reason"),
    [
        (
            "exposure_symbol",
            0.6,
            figures(exposure={"AAPL": 50_000.0}),
            entry(dollars=12_000.0),
            "Exposure of one symbol: The exposure of AAPL with this entry is 62.0%; the limit is 60.0%.",
        ),
        (
            "order_value",
            500.0,
            figures(),
            entry(dollars=1_234.5),
            "Order value: The value of this order is $1,234.50; the limit is $500.00.",
        ),
        (
            "min_average_volume",
            100_000,
            figures(),
            entry(average_volume=9_999.6),
            "Minimum average volume: The average volume of AAPL over 20 bars is 10,000; the limit is 100,000.",
        ),
        (
            "min_price",
            1.0,
            figures(),
            entry(last_price=None),
            "Minimum price: The value that it limits is unknown.",
        ),
        (
            "exposure_sector",
            0.09,
            figures(sectors={"AAPL": "Tech"}),
            entry(dollars=20_000.0),
            "Exposure of one sector: The exposure of the sector Tech with this entry is 20.0%; the limit is 9.0%.",
        ),
    ],
)
def test_the_sentences(
    kind: str, limit: float, held: AccountFigures, proposed: ProposedEntry, reason: str
) -> None:
    found = find_block([RuleValues(1, kind, limit)], held, proposed)
    assert found is not None
    assert found.reason == reason


def test_the_present_reading_has_no_entry() -> None:
    held = figures(equity=90_000.0, sectors={"AAPL": "Technology", "MSFT": "Technology"}, orders_today=3)
    held.add("AAPL", 9_000.0)
    held.add("MSFT", 18_000.0)
    held.add("IBM", 20_000.0)
    readings = {key: reading_of(RuleValues(1, key, 1.0), held) for key in KINDS}
    assert readings == {
        "open_positions": 3,
        "exposure_total": pytest.approx(47 / 90),
        "exposure_symbol": pytest.approx(20 / 90),
        "exposure_sector": pytest.approx(27 / 90),
        "orders_per_day": 3,
        "orders_per_minute": 0,
        "daily_loss_dollars": 10_000,
        "daily_loss_pct": pytest.approx(0.1),
        "max_drawdown_dollars": 10_000,
        "max_drawdown_pct": pytest.approx(0.1),
        **dict.fromkeys(
            ("order_value", "blocked_symbols", "trading_window", "min_price", "min_average_volume", "price_collar")
        ),
    }
