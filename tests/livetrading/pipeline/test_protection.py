"""Protective exits as orders: their prices, and where each broker keeps them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.brokers.protocol import Capabilities
from livetrading.models import Order
from livetrading.models.order import TimeInForce
from livetrading.pipeline.protection import (
    IN_SESSION,
    LEAST,
    OVERNIGHT,
    exit_price,
    exits_of_entry,
    holder_of,
    net_price,
    prices_of,
)
from tests.livetrading.made_bars import CLOSES, OPENS
from tests.livetrading.second_broker.variants import ATTACHED, GUARDED, REPLACING, SEPARATE
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import RiskRules

Purpose, Holder = Order.Purpose, Order.Holder
EXITS = (Purpose.STOP_LOSS, Purpose.TAKE_PROFIT)
AT_FILL = Capabilities(attached_exits_at_fill=True, fractional_exits=True)
MICRO = Decimal("0.000001")


@given(st.floats(0.01, 100_000), st.floats(0.001, 0.9))
def test_a_stop_is_below_the_fill_and_a_target_above_it_by_the_distance(price: float, distance: float) -> None:
    stop, target = (exit_price(Order(purpose=purpose, distance=distance), price) for purpose in EXITS)
    assert stop == stop.quantize(MICRO)
    assert float(stop) == pytest.approx(price * (1 - distance), abs=1e-6)
    assert float(target) == pytest.approx(price * (1 + distance), abs=1e-6)


@pytest.mark.parametrize(
    ("capabilities", "quantity", "attached", "holder"),
    [
        (AT_FILL, "1.5", True, Holder.ATTACHED),
        (AT_FILL, "10", False, Holder.DESK),
        (ATTACHED, "10", True, Holder.ATTACHED),
        (ATTACHED, "10.5", True, Holder.DESK),
        (ATTACHED, "10", False, Holder.BROKER),
        (SEPARATE, "10", True, Holder.BROKER),
        (REPLACING, "10.000001", False, Holder.DESK),
        (GUARDED, "10", True, Holder.DESK),
    ],
)
def test_where_an_exit_is_kept(capabilities: Capabilities, quantity: str, attached: bool, holder: str) -> None:
    assert holder_of(Decimal(quantity), capabilities, attached=attached) == holder


@pytest.mark.parametrize(
    ("capabilities", "prices"),
    [(AT_FILL, [None, None]), (ATTACHED, [Decimal("8.415"), Decimal("15.18")]), (SEPARATE, [None, None])],
)
def test_only_exits_that_travel_at_absolute_prices_have_one_before_the_fill(
    capabilities: Capabilities, prices: list[Decimal | None]
) -> None:
    entry = Order(symbol="W", side="buy", purpose="entry", quantity=Decimal(100), client_order_id="desk-1")
    stop, target = exits_of_entry(entry, RiskRules(stop_loss_pct=0.1, take_profit_pct=0.2), 11.0, capabilities)
    assert [stop.trigger_price, target.trigger_price] == prices
    assert (stop.type, target.type, stop.distance, target.distance) == ("stop", "limit", 0.1, 0.2)
    assert (stop.client_order_id, target.client_order_id) == ("desk-1-stop", "desk-1-target")
    assert {stop.state, target.state} == {"waiting"}


@given(st.floats(0.01, 1000), st.floats(0.001, 0.9), st.floats(-0.149, 0.149))
def test_a_net_is_beyond_the_exact_price_of_every_fill_within_a_gap(
    close: float, distance: float, gap: float
) -> None:
    for purpose in EXITS:
        rule = Order(purpose=purpose, distance=distance, timeframe="1Day")
        net, fill = net_price(rule, close, TimeInForce.DAY), close * (1 + gap)
        assert net > 0
        if purpose == Purpose.STOP_LOSS:
            assert net <= max(exit_price(rule, fill), to_decimal(close * LEAST))
        else:
            assert net >= exit_price(rule, fill)


def test_the_net_of_a_short_bar_is_wide_only_over_night() -> None:
    def stop(at: datetime, time_in_force: str = TimeInForce.DAY, **rule: Any) -> float:
        values = {"purpose": Purpose.STOP_LOSS, "timeframe": "1Min", "created_at": at} | rule
        return float(net_price(Order(**values), 100.0, time_in_force))

    assert stop(OPENS[0], distance=0.1) == pytest.approx(90 * (1 - IN_SESSION))
    assert stop(CLOSES[0], distance=0.1) == stop(OPENS[0], distance=0.1, timeframe="1Day")
    assert stop(CLOSES[0], distance=0.1) == pytest.approx(90 * (1 - OVERNIGHT))
    # An entry that waits may fill after a night, too.
    assert stop(OPENS[0], TimeInForce.GTC, distance=0.1) == pytest.approx(90 * (1 - OVERNIGHT))
    # A distance in dollars leaves nothing of a cheap share.
    assert stop(OPENS[0], distance=None, trailing_dollars=Decimal(99)) == 1


def test_a_rule_that_is_off_makes_no_exit() -> None:
    entry = Order(symbol="W", side="buy", purpose="entry", quantity=Decimal(100), client_order_id="desk-1")
    (stop,) = exits_of_entry(entry, RiskRules(stop_loss_pct=0.1), 11.0, SEPARATE)
    assert stop.purpose == Purpose.STOP_LOSS


def test_the_price_goes_to_the_column_of_its_type() -> None:
    assert prices_of(Purpose.STOP_LOSS, Decimal(9)) == {"stop_price": 9}
    assert prices_of(Purpose.TAKE_PROFIT, Decimal(12)) == {"limit_price": 12}
