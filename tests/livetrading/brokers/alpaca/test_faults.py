"""Whatever becomes of the requests, in the end every order is there once, every fill is booked, every lot is
protected, and shares and cash agree."""

import random
import time
from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.alpaca import client as client_module
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import AlpacaDesk, alpaca_desk
from tests.livetrading.made_bars import CLOSES
from tests.livetrading.second_broker.invariants import check_protected
from tradedesk.accounts.models import User

FAULTS = (
    "lost_before", "lost_after", "error_before", "error_after", "blind", "late", "html", "text", "cut", "half",
    "redirect", "word", "missing", "extra", "busy",
)  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_faults_lose_nothing_and_double_nothing(
    server: AlpacaServer, alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(client_module, "CALL", 5.0)
    dice = random.Random(seed)
    desk = alpaca_desk(server, alice, settings)
    desk.books.shares_first = seed == 3
    desk.deploy()
    desk.deploy(max_position_size=600, take_profit_pct=None)
    server.script._random.seed(seed)
    for how in FAULTS:
        server.script.add(how, times=None, probability=0.02, seconds=1)
    desk.order_entries()
    for day in range(2):
        price = dice.choice([9.9, 10, 10.4])
        desk.open_day(price)
        for _ in range(6):
            price = round(price * dice.uniform(0.96, 1.04), 2)
            server.market.move("W", price)
            if dice.random() < 0.3:
                server.arrive()
            desk.step()
        low, high = sorted((price, 10.0))
        desk.close_bar(10, high, low, price)
        desk.step(trades=False)
        if day == 0 and dice.random() < 0.5:  # entries and sales are filled in parts
            desk.books.largest_fill = Decimal(40)
    settle(desk)
    desk.check_settled()
    check_protected(desk.account)
    assert desk.books.doubled == []
    signals = list(desk.account.orders.exclude(signal=None).values_list("signal", flat=True))
    assert len(signals) == len(set(signals))


def settle(desk: AlpacaDesk) -> None:
    """The faults end, what was late arrives, and the market is open for a while at one price."""
    desk.server.script.clear()
    time.sleep(1.1)  # until the limit of requests is over, which counts in wall time
    desk.server.arrive()
    desk.books.largest_fill = None
    desk.books.answer()
    desk.set_time(CLOSES[len(desk.rows) - 1])
    desk.open_day(float(desk.server.market.prices["W"]))
    desk.step(10)
