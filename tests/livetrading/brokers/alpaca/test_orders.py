"""Orders on the wire: prices, quantities, legs, and the ids by which the desk knows them. Pure."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.brokers.alpaca.orders import (
    body_of,
    entry_id_of,
    leg_with_id,
    order_of,
    price_text,
    quantity_text,
    replacement_body,
    with_ids,
)
from livetrading.brokers.protocol import AttachedExit, OrderRefused, OutcomeUnknown
from tests.livetrading.brokers.alpaca.stand_in import request

ROW: dict[str, Any] = {"id": "B1", "client_order_id": "desk-a", "status": "new", "qty": "10", "filled_qty": "0"}


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("20", "20.00"),
        ("20.126", "20.13"),
        ("1.004", "1.00"),
        ("0.99994", "0.9999"),
        ("0.99996", "1.00"),
        ("0.5", "0.5000"),
    ],
)
def test_a_price_has_two_decimals_and_below_a_dollar_four(price: str, text: str) -> None:
    assert price_text(Decimal(price)) == text


def test_a_price_of_nothing_is_refused() -> None:
    with pytest.raises(OrderRefused):
        price_text(Decimal("0.00004"))


@given(st.decimals(min_value="0.0001", max_value="999999", places=6))
def test_a_rounded_price_is_near_and_stays_as_it_is(price: Decimal) -> None:
    text = price_text(price)
    assert abs(Decimal(text) - price) <= Decimal("0.005")
    assert price_text(Decimal(text)) == text


@given(st.decimals(min_value="0.000000001", max_value="999999", places=9))
def test_a_quantity_is_written_without_an_exponent(quantity: Decimal) -> None:
    assert "E" not in quantity_text(quantity)
    assert Decimal(quantity_text(quantity)) == quantity


def test_an_entry_with_one_exit_is_an_oto_and_with_two_a_bracket() -> None:
    assert "order_class" not in body_of(request("desk-a"))
    stop, both = body_of(request("desk-a", stop=18.333)), body_of(request("desk-a", stop=18, target=25))
    assert (stop["order_class"], stop["stop_loss"]) == ("oto", {"stop_price": "18.33"})
    assert body_of(request("desk-a", target=25))["take_profit"] == {"limit_price": "25.00"}
    assert (both["order_class"], "take_profit" in both, "stop_loss" in both) == ("bracket", True, True)


def test_a_sale_closes_a_position_and_opens_none() -> None:
    assert body_of(request("desk-a", side="sell", closes="desk-b"))["position_intent"] == "sell_to_close"
    assert "position_intent" not in body_of(request("desk-a"))


def test_an_order_for_parts_of_a_share_is_for_the_day() -> None:
    assert body_of(request("desk-a", "1.5", time_in_force="gtc"))["time_in_force"] == "day"
    assert body_of(request("desk-a", 1, time_in_force="opg"))["time_in_force"] == "opg"


@pytest.mark.parametrize(
    "leg",
    [
        AttachedExit(client_order_id="desk-a-stop", type="stop", distance=0.1),
        AttachedExit(client_order_id="desk-b-stop", type="stop", price=Decimal(18)),
        AttachedExit(client_order_id="desk-a-target", type="stop", price=Decimal(18)),
    ],
)
def test_an_exit_that_alpaca_cannot_take_is_refused(leg: AttachedExit) -> None:
    with pytest.raises(OrderRefused):
        body_of(request("desk-a", exits=(leg,)))


def test_a_replacement_names_its_quantity_only_when_it_changes() -> None:
    new = request("desk-b", 10, type="stop", side="sell", stop_price=Decimal("18.5"), time_in_force="gtc")
    same, other = replacement_body(new, ROW), replacement_body(new, ROW | {"qty": "12"})
    assert same == {"client_order_id": "desk-b", "time_in_force": "gtc", "stop_price": "18.50"}
    assert other == same | {"qty": "10"}
    with pytest.raises(OrderRefused):  # its price was reached
        replacement_body(new, ROW | {"filled_qty": "4"})


# --- What Alpaca reports ---


def nested(*legs: dict[str, Any]) -> dict[str, Any]:
    return ROW | {"legs": list(legs)}


STOP = {"id": "B2", "client_order_id": "x-1", "type": "stop", "replaces": None}
TARGET = {"id": "B3", "client_order_id": "x-2", "type": "limit", "replaces": None}
NEW_STOP = {"id": "B4", "client_order_id": "desk-c", "type": "stop", "replaces": "B2"}


def test_the_legs_of_an_entry_have_the_ids_of_the_desk() -> None:
    assert [known for known, _ in with_ids(nested(STOP, TARGET))] == ["desk-a", "desk-a-stop", "desk-a-target"]
    assert [known for known, _ in with_ids(nested(NEW_STOP, TARGET))] == ["desk-a", "desk-c", "desk-a-target"]


def test_a_leg_is_found_by_the_id_of_the_desk_and_one_that_replaced_it_leads_to_it() -> None:
    assert leg_with_id(nested(STOP, TARGET), "desk-a-target") == TARGET
    assert leg_with_id(nested(NEW_STOP, TARGET), "desk-a-stop") == NEW_STOP
    assert leg_with_id(nested(NEW_STOP, STOP), "desk-a-stop") == STOP
    assert leg_with_id(nested(TARGET), "desk-a-stop") is None
    assert (entry_id_of("desk-a-stop"), entry_id_of("desk-a")) == ("desk-a", "")


def test_an_order_for_dollars_has_the_quantity_that_is_filled() -> None:
    found = order_of(ROW | {"qty": None, "filled_qty": "0.25"}, "desk-a")
    assert (found.quantity, found.filled_quantity) == (Decimal("0.25"), Decimal("0.25"))


@pytest.mark.parametrize("name", ["id", "status", "filled_qty"])
@pytest.mark.parametrize("value", [None, {}, True, "NaN"])
def test_an_order_without_what_the_desk_needs_is_not_readable(name: str, value: object) -> None:
    if name != "filled_qty" and value == "NaN":
        value = ""
    with pytest.raises(OutcomeUnknown):
        order_of(ROW | {name: value}, "desk-a")
