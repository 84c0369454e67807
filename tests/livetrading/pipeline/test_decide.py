"""Decisions: exits before entries, strong entries before weak ones, and never more than the rules allow."""

from dataclasses import replace
from decimal import Decimal
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.models import PaperTrade
from livetrading.pipeline import decide as decide_module
from livetrading.pipeline.book import StrategyBook
from livetrading.pipeline.decide import Decision, EquityState
from livetrading.pipeline.evaluate import SignalEvent
from livetrading.pipeline.gate import OPEN, Held, Verdict
from tests.livetrading.made_bars import CLOSES, TIMES
from tradedesk.core.risk import Refusal
from tradedesk.core.rules import RiskRules
from tradedesk.core.signals import Side

RICH = EquityState(equity=100_000.0, own_equity=100_000.0, own_peak=100_000.0, day_loss=0.0)
RULES = RiskRules(position_size_pct=0.02, max_positions=5)
SYMBOLS = [f"S{number}" for number in range(8)]


def decide(
    events: list[SignalEvent],
    held: StrategyBook,
    rules: RiskRules,
    equity_state: EquityState,
    entries_gate: Verdict = OPEN,
) -> list[Decision]:
    return decide_module.decide(events, held, rules, equity_state, entries_gate)


def event(
    symbol: str, side: Side = Side.BUY, *, close: float = 50.0, strength: float = 1.0, day: int = 2
) -> SignalEvent:
    return SignalEvent(symbol, side, strength, TIMES[day], close, "Explanation", late=False, closed_at=CLOSES[day])


def lot_of(symbol: str, quantity: int = 10, *, day: int = 1) -> PaperTrade:
    return PaperTrade(symbol=symbol, quantity=Decimal(quantity), entry_time=TIMES[day], entry_price=Decimal(50))


def book(*held: str, exiting: tuple[str, ...] = (), entering: tuple[str, ...] = ()) -> StrategyBook:
    return StrategyBook({symbol: lot_of(symbol) for symbol in held}, exiting=set(exiting), entering=set(entering))


def quantities(decisions: list[Decision]) -> list[tuple[str, Decimal]]:
    return [(d.event.symbol, d.quantity) for d in decisions]


# --- The first stage of a promoted strategy --------------------------------------------------------------------


@given(
    st.floats(0.05, 1.0), st.floats(0.001, 0.5), st.none() | st.floats(100.0, 50_000.0), st.floats(1.0, 2_000.0)
)
def test_an_entry_has_its_part_of_the_size(
    fraction: float, position_size_pct: float, most: float | None, close: float
) -> None:
    rules = replace(RULES, position_size_pct=position_size_pct, max_position_size=most)
    found = decide_module.decide([event("AAPL", close=close)], book(), rules, RICH, OPEN, size_fraction=fraction)
    budget = min(position_size_pct * fraction * 100_000.0, (most or float("inf")) * fraction)
    assert found[0].quantity == floor(budget / close + 1e-9)


def test_the_part_changes_no_other_rule_and_no_exit() -> None:
    one = replace(RULES, max_positions=1)
    events = [event("AAPL"), event("MSFT"), event("IBM", Side.SELL)]
    found = decide_module.decide(events, book("IBM"), one, RICH, OPEN, size_fraction=0.25)
    assert quantities(found) == [("IBM", 10), ("AAPL", 10), ("MSFT", 0)]


# --- The sequence ----------------------------------------------------------------------------------------------


def test_exits_first_then_entries_by_strength_then_by_symbol() -> None:
    events = [
        event("AAPL", strength=0.7),
        event("GOOG", strength=0.9),
        event("IBM", strength=0.7),
        event("MSFT", Side.SELL),
        event("CAT", Side.SELL),
    ]
    decisions = decide(events, book("MSFT", "CAT"), RULES, RICH)
    assert quantities(decisions) == [("CAT", 10), ("MSFT", 10), ("GOOG", 40), ("AAPL", 40), ("IBM", 40)]
    assert [d.lot.symbol if d.lot else None for d in decisions] == ["CAT", "MSFT", None, None, None]


def test_an_exit_frees_a_position_for_an_entry_of_the_same_close() -> None:
    one = replace(RULES, max_positions=1)
    events = [event("AAPL"), event("IBM", Side.SELL)]
    assert quantities(decide(events, book("IBM"), one, RICH)) == [("IBM", 10), ("AAPL", 40)]


def test_an_exit_that_is_refused_frees_nothing() -> None:
    one = replace(RULES, max_positions=1)
    early = StrategyBook({"IBM": lot_of("IBM", day=3)})
    refused, entry = decide([event("AAPL"), event("IBM", Side.SELL)], early, one, RICH)
    assert (refused.event.symbol, refused.quantity) == ("IBM", 0)
    assert refused.reason
    assert (entry.quantity, entry.reason) == (0, Refusal.MAX_POSITIONS.message(rules=RiskRules(max_positions=1)))


def test_a_working_sell_order_has_already_freed_its_position() -> None:
    one = replace(RULES, max_positions=1)
    assert quantities(decide([event("AAPL")], book("IBM", exiting=("IBM",)), one, RICH)) == [("AAPL", 40)]


def test_a_working_entry_takes_a_position() -> None:
    one = replace(RULES, max_positions=1)
    assert quantities(decide([event("AAPL")], book(entering=("IBM",)), one, RICH)) == [("AAPL", 0)]


def test_a_refused_entry_takes_no_position_from_the_next() -> None:
    one = replace(RULES, max_positions=1)
    decisions = decide(
        [event("DEAR", close=5_000.0, strength=0.9), event("AAPL", strength=0.8)], book(), one, RICH
    )
    assert quantities(decisions) == [("DEAR", 0), ("AAPL", 40)]


@pytest.mark.parametrize("held", [book("AAPL"), book(entering=("AAPL",)), book("AAPL", exiting=("AAPL",))])
def test_a_buy_of_a_held_or_ordered_symbol_is_left_out(held: StrategyBook) -> None:
    assert decide([event("AAPL")], held, RULES, RICH) == []


def test_a_sell_on_the_entry_bar_closes_the_lot() -> None:
    held = StrategyBook({"AAPL": lot_of("AAPL", day=2)})
    assert quantities(decide([event("AAPL", Side.SELL, day=2)], held, RULES, RICH)) == [("AAPL", 10)]


def test_an_exit_sells_the_remaining_shares_of_the_lot() -> None:
    lot = lot_of("AAPL")
    lot.exit_quantity = Decimal(4)
    held = StrategyBook({"AAPL": lot})
    assert quantities(decide([event("AAPL", Side.SELL)], held, RULES, RICH)) == [("AAPL", 6)]


def test_only_the_newest_signal_of_a_symbol_counts() -> None:
    events = [event("AAPL", Side.SELL, day=3), replace(event("AAPL", day=2), late=True)]
    for sequence in (events, events[::-1]):
        (decision,) = decide(sequence, book(), RULES, RICH)
        assert decision.event.side == Side.SELL


def test_a_late_buy_is_refused() -> None:
    (decision,) = decide([replace(event("AAPL"), late=True)], book(), RULES, RICH)
    assert decision.quantity == 0
    assert decision.reason


def test_no_rule_refuses_an_exit() -> None:
    rules = replace(RULES, daily_loss_limit=1.0, max_drawdown_pct=0.001, signal_threshold=1.0, max_positions=1)
    poor = EquityState(equity=-5.0, own_equity=1.0, own_peak=100_000.0, day_loss=99_999.0)
    weak_and_late = replace(event("AAPL", Side.SELL, strength=0.1), late=True)
    assert quantities(decide([weak_and_late], book("AAPL", "IBM"), rules, poor)) == [("AAPL", 10)]


def test_a_closed_gate_refuses_entries_with_its_reason_and_no_exits() -> None:
    events = [event("AAPL"), event("MSFT", Side.SELL)]
    shut = Verdict(Held.HALT, "Entries are stopped.")
    exit_, entry = decide(events, book("MSFT"), RULES, RICH, shut)
    assert (exit_.event.symbol, exit_.quantity) == ("MSFT", 10)
    assert (entry.quantity, entry.reason) == (0, "Entries are stopped.")


def test_without_the_accounts_equity_entries_are_refused_and_no_exits() -> None:
    events = [event("AAPL"), event("MSFT", Side.SELL)]
    exit_, entry = decide(events, book("MSFT"), RULES, replace(RICH, equity=None))
    assert (exit_.event.symbol, exit_.quantity) == ("MSFT", 10)
    assert (entry.quantity, entry.reason) == (0, "The broker did not report the account's equity.")


# --- The size --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("close", "rules", "quantity"),
    [
        (50.0, RULES, "40"),  # 2% of 100,000 is 2,000
        (51.0, RULES, "39"),
        (0.1, replace(RULES, max_position_size=1.0), "10"),
        (0.1, replace(RULES, position_size_pct=0.001, max_position_size=30.0), "300"),
        (50.0, replace(RULES, max_position_size=1_000.0), "20"),
        (51.0, replace(RULES, fractional=True), "39.215686"),
        (2_000.0, RULES, "1"),
        (2_000.01, RULES, "0"),
    ],
)
def test_the_size_of_an_entry(close: float, rules: RiskRules, quantity: str) -> None:
    assert quantities(decide([event("AAPL", close=close)], book(), rules, RICH)) == [("AAPL", Decimal(quantity))]


def test_a_quotient_just_below_a_whole_share_is_that_share() -> None:
    # 0.3 / 0.1 is 2.9999999999999996 in floating point.
    equity_state = replace(RICH, equity=0.3)
    rules = replace(RULES, position_size_pct=1.0)
    assert quantities(decide([event("AAPL", close=0.1)], book(), rules, equity_state)) == [("AAPL", 3)]


@pytest.mark.parametrize("equity", [0.0, -1_000.0])
def test_without_equity_nothing_is_bought(equity: float) -> None:
    (decision,) = decide([event("AAPL")], book(), RULES, replace(RICH, equity=equity))
    assert decision.reason == Refusal.NO_SIZE.message(budget=0.0, price=50.0)


# --- Any events, books and rules -------------------------------------------------------------------------------

EVENTS = st.lists(
    st.builds(
        lambda late, **fields: replace(event(**fields), late=late),
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from([Side.BUY, Side.SELL]),
        strength=st.sampled_from([0.0, 0.5, 0.6, 0.75, 1.0]),
        day=st.integers(0, 5),
        close=st.floats(0.01, 10_000.0),
        late=st.booleans(),
    ),
    max_size=20,
)
SOME = st.sets(st.sampled_from(SYMBOLS))
BOOKS = st.builds(
    lambda held, exiting, entering: book(*held, exiting=tuple(held & exiting), entering=tuple(entering - held)),
    SOME,
    SOME,
    SOME,
)
RULE_SETS = st.builds(
    RiskRules,
    position_size_pct=st.floats(0.001, 0.5),
    max_positions=st.integers(1, 6),
    max_position_size=st.none() | st.floats(1.0, 1e5),
    signal_threshold=st.floats(0.0, 1.0),
    daily_loss_limit=st.none() | st.floats(1.0, 1e5),
    max_drawdown_pct=st.none() | st.floats(0.001, 0.99),
    fractional=st.booleans(),
)
AMOUNT = st.floats(-1e5, 1e6)
EQUITY_STATES = st.builds(EquityState, equity=AMOUNT, own_equity=AMOUNT, own_peak=AMOUNT, day_loss=AMOUNT)


@given(EVENTS, BOOKS, RULE_SETS, EQUITY_STATES)
def test_the_rules_hold_for_all_events_and_books(
    events: list[SignalEvent], held: StrategyBook, rules: RiskRules, equity_state: EquityState
) -> None:
    decisions = decide(events, held, rules, equity_state)
    symbols = [d.event.symbol for d in decisions]
    assert len(set(symbols)) == len(symbols), "one decision for each symbol"
    assert all(bool(d.quantity) != bool(d.reason) for d in decisions), "a quantity or a reason, never both"
    assert all(d.quantity >= 0 for d in decisions)

    sides = [d.event.side for d in decisions]
    assert sides == sorted(sides), "exits first"
    entries = [d for d in decisions if d.event.side is Side.BUY]
    assert entries == sorted(entries, key=lambda d: (-d.event.strength, d.event.symbol))

    sold = {d.event.symbol for d in decisions if d.lot}
    bought = {d.event.symbol for d in entries if d.quantity}
    kept = (set(held.lots) - held.exiting - sold) | held.entering
    assert not bought & (set(held.lots) | held.entering), "nothing is bought twice"
    assert not bought or len(kept | bought) <= rules.max_positions
    for decision in entries:
        if decision.quantity:
            assert equity_state.equity is not None
            budget = min(rules.position_size_pct * equity_state.equity, rules.max_position_size or float("inf"))
            assert float(decision.quantity) * decision.event.close <= budget + 1e-6 * decision.event.close
            assert rules.fractional or decision.quantity == floor(decision.quantity)
            assert not decision.event.late
            assert decision.event.strength >= rules.signal_threshold


@given(EVENTS, BOOKS, RULE_SETS, EQUITY_STATES, st.booleans())
def test_a_closed_gate_or_an_unknown_equity_changes_no_exit_and_buys_nothing(
    events: list[SignalEvent], held: StrategyBook, rules: RiskRules, equity_state: EquityState, shut: bool
) -> None:
    def exits(decisions: list[Decision]) -> list[Decision]:
        return [d for d in decisions if d.event.side is Side.SELL]

    gate = Verdict(Held.MODE, "The other mode.") if shut else OPEN
    without = equity_state if shut else replace(equity_state, equity=None)
    held_back = decide(events, held, rules, without, gate)
    assert exits(held_back) == exits(decide(events, held, rules, equity_state))
    assert not any(d.quantity for d in held_back if d.event.side is Side.BUY)


@given(EVENTS, BOOKS, RULE_SETS, EQUITY_STATES, st.randoms())
def test_the_sequence_of_the_events_does_not_matter(
    events: list[SignalEvent], held: StrategyBook, rules: RiskRules, equity_state: EquityState, random: object
) -> None:
    # One signal for each symbol and bar, as in the history.
    single = list({(e.symbol, e.bar_time): e for e in events}.values())
    shuffled = list(single)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(shuffled, held, rules, equity_state) == decide(single, held, rules, equity_state)


@given(EVENTS, BOOKS, EQUITY_STATES)
def test_a_higher_limit_of_positions_never_buys_fewer_symbols(
    events: list[SignalEvent], held: StrategyBook, equity_state: EquityState
) -> None:
    def bought(limit: int) -> set[str]:
        rules = replace(RULES, max_positions=limit)
        return {d.event.symbol for d in decide(events, held, rules, equity_state) if d.quantity and not d.lot}

    assert bought(1) <= bought(2) <= bought(5)
