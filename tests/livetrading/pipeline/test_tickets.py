"""Order tickets: what is wrong with one, what it costs, and what it leaves."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.pipeline.tickets import (
    Holding,
    Ticket,
    collar_price,
    cost_of,
    good_until,
    price_of,
    shares_of,
    value_problems,
)
from tests.livetrading.made_bars import CLOSES, OPENS
from tradedesk.core.rules import Costs


def ticket(side: str = "buy", **fields: Any) -> Ticket:
    values: dict[str, Any] = {"symbol": "AAPL", "side": side, "shares": Decimal(10)}
    return Ticket(**(values | fields))


def fields_of(wanted: Ticket, last: float | None = 50.0) -> list[str]:
    return [problem.field for problem in value_problems(wanted, last)]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, []),
        ({"shares": None, "dollars": Decimal(500)}, []),
        ({"dollars": Decimal(500)}, ["quantity"]),
        ({"shares": None}, ["quantity"]),
        ({"shares": Decimal(0)}, ["quantity"]),
        ({"shares": Decimal("1e9")}, ["quantity"]),
        ({"shares": Decimal("NaN")}, ["quantity"]),
        ({"shares": Decimal("0.0000001")}, ["quantity"]),
        ({"type": "limit", "limit_price": Decimal(49)}, []),
        ({"type": "limit"}, ["limit_price"]),
        ({"limit_price": Decimal(49)}, ["limit_price"]),
        ({"type": "limit", "limit_price": Decimal("49.001")}, ["limit_price"]),
        ({"type": "limit", "limit_price": Decimal("0.4901")}, []),
        ({"type": "limit", "limit_price": Decimal("-1")}, ["limit_price"]),
        ({"type": "limit", "limit_price": Decimal("Infinity")}, ["limit_price"]),
        ({"type": "stop", "stop_price": Decimal(51)}, []),
        ({"type": "stop", "stop_price": Decimal(50)}, ["stop_price"]),
        ({"type": "stop", "stop_price": Decimal(49), "side": "sell"}, []),
        ({"type": "stop", "stop_price": Decimal(50), "side": "sell"}, ["stop_price"]),
        ({"type": "stop", "stop_price": Decimal(51), "limit_price": Decimal(52)}, ["limit_price"]),
    ],
)
def test_the_values_of_a_ticket(fields: dict[str, Any], wrong: list[str]) -> None:
    assert fields_of(ticket(**fields)) == wrong


def test_dollars_buy_whole_shares_or_parts_of_one_at_the_price_of_the_ticket() -> None:
    dollars = ticket(shares=None, dollars=Decimal(500))
    assert shares_of(dollars, 48.0) == 10
    assert shares_of(ticket(shares=None, dollars=Decimal(500), fractional=True), 48.0) == Decimal("10.416666")
    assert shares_of(dollars, 501.0) == 0
    assert price_of(dollars, 50.0) == 50.0
    assert price_of(ticket(type="limit", limit_price=Decimal(48)), 50.0) == 48.0
    assert price_of(ticket(type="stop", stop_price=Decimal(51)), 50.0) == 51.0


def test_a_cost_has_the_slippage_of_what_trades_at_the_market_and_the_commission() -> None:
    costs = Costs(commission_per_order=1.0, slippage_bps=10.0)
    bought = cost_of(ticket(), Decimal(10), 50.0, costs)
    assert (bought.price, bought.amount, bought.commission, bought.total) == (
        Decimal("50.05"),
        Decimal("500.5"),
        1,
        Decimal("501.5"),
    )
    assert cost_of(ticket("sell"), Decimal(10), 50.0, costs).total == Decimal("498.5")
    limited = ticket(type="limit", limit_price=Decimal(50))
    assert cost_of(limited, Decimal(10), 50.0, costs).total == 501


def test_the_position_after_an_order() -> None:
    held = Holding(shares=Decimal(10), cost=Decimal(400))
    more = held.after(ticket(), cost_of(ticket(), Decimal(10), 50.0, Costs()))
    assert (more.shares, more.average) == (20, 45)
    sale = cost_of(ticket("sell"), Decimal(4), 50.0, Costs())
    less = held.after(ticket("sell"), sale)
    assert (less.shares, less.average) == (6, 40)
    assert Holding().after(ticket("sell"), sale) == Holding()
    assert Holding().average is None


def test_the_collar_looks_at_what_would_be_bought_at_once() -> None:
    assert collar_price("market", None, 50.0, 60.0) == 50.0
    assert collar_price("limit", Decimal(70), 50.0, 60.0) == 70.0  # a typing error above the market
    assert collar_price("limit", Decimal(40), 50.0, 60.0) == 60.0  # it waits
    assert collar_price("stop", None, 50.0, 60.0) == 60.0


def test_a_digest_is_that_of_the_request() -> None:
    assert ticket().digest() == ticket(shares=Decimal("10.00")).digest()
    for fields in ({"shares": Decimal(11)}, {"symbol": "IBM"}, {"side": "sell"}, {"take_profit_pct": 0.1}):
        assert ticket(**fields).digest() != ticket().digest()


def test_how_long_an_order_is_good() -> None:
    assert good_until(ticket(), OPENS[3]) == CLOSES[3]
    assert good_until(ticket(), CLOSES[3]) == CLOSES[4]
    assert good_until(ticket(), OPENS[3], "1Min") == CLOSES[3]
    assert (
        good_until(ticket(), OPENS[3] + timedelta(minutes=1), "1Day") == CLOSES[4]
    )  # the simulation fills it from the next daily bar
    assert good_until(ticket(), CLOSES[3], "1Day") == CLOSES[4]
    assert good_until(ticket(time_in_force="gtc"), CLOSES[3]) == CLOSES[3] + timedelta(days=90)
