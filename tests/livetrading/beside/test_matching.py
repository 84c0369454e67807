"""The fills of live and backtest in pairs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.beside.matching import Lot, Match, MatchedFill, count_matches, match_fills, same_price
from livetrading.beside.slippage import slippage_of


def lot(entry: int, paid: float, exit_bar: int | None = None, got: float = 0.0, **fields: object) -> Lot:
    """100 shares of A without costs; an open one is valued at 60."""
    quantity = float(fields.pop("quantity", 100.0))  # type: ignore[arg-type]
    price = got if exit_bar is not None else None
    pnl = quantity * ((60.0 if price is None else price) - paid)
    return Lot("A", quantity, entry, paid, exit_bar, price, pnl, **fields)  # type: ignore[arg-type]


def told(fills: list[MatchedFill]) -> list[tuple[str, str, int, float]]:
    return [
        ("buy" if fill.is_entry else "sell", fill.match.value, fill.bars_late, round(fill.effect, 2))
        for fill in fills
    ]


@pytest.mark.parametrize(
    ("live", "tested", "expected"),
    [
        (
            [lot(3, 50.0, 9, 55.0)],
            [lot(3, 50.0, 9, 55.0)],
            [("buy", "identical", 0, 0), ("sell", "identical", 0, 0)],
        ),
        # A cent more is another price, half a cent is not.
        (
            [lot(3, 50.01, 9, 55.0)],
            [lot(3, 50.0, 9, 55.004)],
            [("buy", "price", 0, -1.0), ("sell", "identical", 0, -0.4)],
        ),
        ([lot(4, 51.43)], [lot(3, 50.0)], [("buy", "late", 1, -143.0)]),
        (
            [lot(3, 50.0, 11, 54.0)],
            [lot(3, 50.0, 9, 55.0)],
            [("buy", "identical", 0, 0), ("sell", "late", 2, -100.0)],
        ),
        # Sold before the backtest did, or while it still holds.
        (
            [lot(3, 50.0, 8, 54.0)],
            [lot(3, 50.0, 9, 55.0)],
            [("buy", "identical", 0, 0), ("sell", "extra", 0, -100.0)],
        ),
        ([lot(3, 50.0, 8, 54.0)], [lot(3, 50.0)], [("buy", "identical", 0, 0), ("sell", "extra", 0, -600.0)]),
        ([lot(3, 50.0)], [lot(3, 50.0, 9, 55.0)], [("buy", "identical", 0, 0), ("sell", "missed", 0, 500.0)]),
        ([], [lot(3, 50.0, 9, 55.0)], [("buy", "missed", 0, -500.0), ("sell", "missed", 0, 0)]),
        ([lot(3, 50.0, 9, 55.0)], [], [("buy", "extra", 0, 500.0), ("sell", "extra", 0, 0)]),
        # Bought after the backtest had sold: it is no late purchase of that lot. Bought before it: neither.
        (
            [lot(10, 50.0)],
            [lot(3, 50.0, 9, 55.0)],
            [("buy", "missed", 0, -500.0), ("sell", "missed", 0, 0), ("buy", "extra", 0, 1000.0)],
        ),
        ([lot(2, 50.0)], [lot(3, 50.0)], [("buy", "extra", 0, 1000.0), ("buy", "missed", 0, -1000.0)]),
    ],
)
def test_a_fill_has_its_class_and_what_it_cost(
    live: list[Lot], tested: list[Lot], expected: list[tuple[str, str, int, float]]
) -> None:
    assert told(match_fills(live, tested)) == expected


def test_another_size_is_an_effect_of_its_own() -> None:
    (entry, sale) = match_fills([lot(3, 50.0, 9, 55.0, quantity=80.0)], [lot(3, 50.0, 9, 55.0)])
    assert (entry.match, entry.effect, entry.size_effect) == (Match.IDENTICAL, 0.0, -100.0)
    assert (sale.match, sale.effect, sale.size_effect) == (Match.IDENTICAL, 0.0, 0.0)


def test_prices_below_a_dollar_agree_to_a_hundredth_of_a_cent() -> None:
    assert [same_price(a, b) for a, b in ((0.5, 0.50004), (0.5, 0.5001), (20.0, 20.005), (20.0, 20.006))] == [
        *(True, False),
        *(True, False),
    ]


prices = st.integers(2000, 9000).map(lambda cents: cents / 100)


@st.composite
def histories(draw: st.DrawFn) -> list[Lot]:
    """Lots of two symbols, one after the other in each, the last one perhaps open."""
    lots = []
    for symbol in "AB":
        row = 0
        for key in range(draw(st.integers(0, 5))):
            entry = row + draw(st.integers(1, 4))
            row = entry + draw(st.integers(0, 6))
            ends = draw(st.booleans()) or row < 15
            got, shares, paid = draw(prices), float(draw(st.integers(1, 300))), draw(prices)
            pnl = shares * (got - paid) - draw(st.integers(0, 5))
            lots.append(Lot(symbol, shares, entry, paid, row if ends else None, got if ends else None, pnl, key))
            if not ends:
                break
    return lots


@given(histories(), histories())
def test_every_fill_is_told_once_and_the_effects_add_up(live: list[Lot], tested: list[Lot]) -> None:
    fills = match_fills(live, tested)
    for side, lots in (("live", live), ("tested", tested)):
        for is_entry in (True, False):
            found = [getattr(fill, side) for fill in fills if fill.is_entry == is_entry]
            own = [each for each in found if each is not None and (is_entry or not each.is_open)]
            assert sorted(map(id, own)) == sorted(id(each) for each in lots if is_entry or not each.is_open)
    difference = sum(each.pnl for each in live) - sum(each.pnl for each in tested)
    assert sum(fill.effect + fill.size_effect for fill in fills) == pytest.approx(difference, abs=1e-6)
    counts = count_matches(fills)
    assert sum(count for count, _ in counts.values()) == len(fills)
    assert [fill.bar for fill in fills] == sorted(fill.bar for fill in fills)
    for fill in fills:
        assert (fill.match is Match.LATE) == (fill.bars_late > 0)
        assert (fill.live is None) <= (fill.match is Match.MISSED)
        assert (fill.tested is None) <= (fill.match is Match.EXTRA)


@given(histories())
def test_a_history_beside_itself_is_identical(lots: list[Lot]) -> None:
    fills = match_fills(lots, lots)
    assert {fill.match for fill in fills} <= {Match.IDENTICAL}
    assert all(abs(fill.effect) < 1e-9 and fill.size_effect == 0 for fill in fills)


def test_slippage_is_measured_from_the_price_without_it() -> None:
    """The backtest of the stretch filled at 5 bp, the deployed one assumed 10; of a target nothing is assumed."""
    tested = [lot(1, 40.02, 5, 49.975, exit_reason="signal"), lot(7, 40.02, 9, 44.0, exit_reason="take_profit")]
    live = [lot(1, 40.06, 5, 49.975, exit_reason="signal"), lot(8, 41.0, 9, 43.9, exit_reason="take_profit")]
    found = slippage_of(match_fills(live, tested), 5.0, 10.0)
    assert found.fills == 3  # not the purchase that came late
    assert found.dollars == pytest.approx(100 * (40.0 + 50.0 + 44.0))
    assert found.paid == pytest.approx(100 * (0.06 + 0.025 + 0.10))
    assert found.assumed == pytest.approx(100 * (0.04 + 0.05))
    assert slippage_of([], 5.0, 10.0).paid_bps is None
