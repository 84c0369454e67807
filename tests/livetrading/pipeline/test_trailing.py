"""How the stop of a lot follows the closed bars."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.models import Order, PaperTrade
from livetrading.pipeline.protection import exit_price
from livetrading.pipeline.trailing import follow
from tests.livetrading.made_bars import CLOSES, OPENS, TIMES, TWO_BARS, store_bars, traded
from tests.livetrading.pipeline.desk import deployed, open_account, step
from tradedesk.accounts.models import User

BY_PERCENT = Order(purpose="trailing_stop", trailing_fraction=0.1)
BOTH = {"stop_loss_pct": 0.05, "trailing_stop_pct": 0.1}
BY_DOLLARS = Order(purpose="trailing_stop", trailing_dollars=Decimal("1.5"), distance=0.05)


def lot(rule: Order, **fields: object) -> PaperTrade:
    """Bought at 10, in the bar after the first one."""
    stop = exit_price(rule, 10.0)
    values = {"entry_price": Decimal(10), "entry_time": TIMES[1], "initial_stop_price": stop, "stop_price": stop}
    return PaperTrade(timeframe="1Day", **(values | fields))


@given(st.lists(st.integers(500, 2000), min_size=4, max_size=16), st.sampled_from([BY_PERCENT, BY_DOLLARS]))
def test_a_check_after_several_bars_gives_the_price_of_checks_after_each(cents: list[int], rule: Order) -> None:
    prices = np.array(cents[: len(cents) // 2 * 2]).reshape(-1, 2) / 100
    rows = [(low, high, low, high) for low, high in np.sort(prices).tolist()]
    bars = traded((10, 20, 10, 10), *rows[:7])
    step, late = lot(rule), lot(rule)
    touched = None
    for count in range(1, len(bars) + 1):
        followed = follow(step, rule, bars[:count])
        touched = touched or followed.touched
        if touched is None:
            low = float(bars.low[count - 1])
            assert count == 1 or low > float(step.stop_price or 0)
        step.stop_price = followed.level
    followed = follow(late, rule, bars)
    assert (followed.level, followed.touched) == (step.stop_price, touched)
    highest = max(10.0, float(bars.high[1:].max()))
    distance = 0.1 * highest if rule is BY_PERCENT else 1.5
    assert float(followed.level) == pytest.approx(
        max(highest - distance, 9.5 if rule is BY_DOLLARS else 0), abs=1e-6
    )


def test_it_never_falls_even_when_the_bars_are_gone_or_others() -> None:
    raised = lot(BY_PERCENT, stop_price=Decimal(11))
    assert follow(raised, BY_PERCENT, None).level == 11
    assert follow(raised, BY_PERCENT, traded((10, 10, 10, 10), (10, 10.5, 10, 10))).level == 11


@pytest.mark.parametrize(("seconds", "level"), [(59, "10.8"), (60, "9")])
def test_the_bar_of_the_entry_belongs_to_a_lot_bought_at_its_open(seconds: int, level: str) -> None:
    """Later, its high may be older than the lot."""
    bought = lot(BY_PERCENT, entry_time=OPENS[1] + timedelta(seconds=seconds))
    assert follow(bought, BY_PERCENT, traded((10, 20, 10, 10), (10, 12, 9.5, 11.5))).level == Decimal(level)
    assert follow(bought, BY_PERCENT, traded((10, 20, 10, 10))).level == 9, "the bar before it never does"


def test_a_late_check_of_the_simulation_books_the_stop_as_it_was_raised(alice: User) -> None:
    """Bought, raised twice and sold between two checks: 10% below 13 is above the fixed stop of 9.5."""
    days = (10, 12, 9.6, 11.9), (11.9, 13, 11.8, 12.8), (12.8, 12.8, 11, 11.2)
    store_bars(W=traded(*[(price, price, price, price) for price in (10.0, 10.0, 11.0)], *days))
    open_account(alice, 10_000.0)
    live = deployed(alice, TWO_BARS["kind"], ["W"], parameters=TWO_BARS["parameters"], **BOTH)
    for now in CLOSES[:3]:
        step(live, now)
    step(live, CLOSES[5])
    trade = PaperTrade.objects.get()
    assert (trade.entry_price, trade.exit_price, trade.exit_reason) == (10, Decimal("11.7"), "trailing_stop")
    assert (trade.initial_stop_price, trade.stop_price) == (Decimal("9.5"), Decimal("11.7"))
    assert Order.objects.get(purpose="trailing_stop").stop_price == Decimal("11.7")
