"""Whatever is asked of the stand-in in whatever order, its books stay true."""

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from alpaca.common.exceptions import APIError

from tests.alpaca_server.account import Account
from tests.alpaca_server.client import client_of
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.test_orders import body

STEPS, SEEDS = 150, (1, 2, 3, 4)
ZERO = Decimal(0)


class Chaos:
    """An impatient client and a lively market."""

    def __init__(self, server: AlpacaServer, client: Any, account: Account, seed: int) -> None:
        self.random, self.server, self.client, self.account = random.Random(seed), server, client, account
        self.actions: list[Callable[[], object]] = [
            *[self.work] * 6,
            *[self.submit] * 6,
            *[self.move] * 3,
            self.cancel,
            self.replace,
            self.replace,
            self.let_time_pass,
            self.limit_fills,
        ]

    def step(self) -> None:
        try:
            self.random.choice(self.actions)()
        except APIError as error:
            if error.status_code not in (403, 422):
                raise

    def price(self, factor: float) -> str:
        return f"{float(self.server.market.prices['W']) * factor:.2f}"

    def submit(self) -> None:
        side, qty = self.random.choice(["buy", "sell"]), str(self.random.choice([1, 5, 10, 0.5]))
        near = 1 if side == "buy" else -1
        fields: dict[str, Any] = self.random.choice(
            [
                {},
                {"type": "limit", "limit_price": self.price(1 - 0.01 * near)},
                {"type": "stop", "stop_price": self.price(1 + 0.02 * near)},
                {"type": "stop_limit", "stop_price": self.price(1 + 0.02 * near), "limit_price": self.price(1)},
                {"order_class": "oto", "stop_loss": {"stop_price": self.price(1 - 0.03 * near)}},
                {
                    "order_class": self.random.choice(["bracket", "oco"]),
                    "type": "limit",
                    "limit_price": self.price(1),
                    "take_profit": {"limit_price": self.price(1.03)},
                    "stop_loss": {"stop_price": self.price(0.97)},
                },
            ]
        )
        self.client.post(
            "/orders", body(qty, side=side, time_in_force=self.random.choice(["day", "gtc"]), **fields)
        )

    def any_open(self) -> dict[str, Any]:
        found = self.client.get("/orders", {"nested": self.random.choice(["true", "false"]), "status": "open"})
        found += [leg for order in found for leg in order["legs"] or []]
        return dict(self.random.choice(found or [{"id": "none"}]))

    def cancel(self) -> None:
        order = self.any_open()
        if order["id"] != "none":
            self.client.cancel_order_by_id(order["id"])

    def replace(self) -> None:
        order = self.any_open()
        fields = {name: self.price(0.98) for name in ("limit_price", "stop_price") if order.get(name)}
        if fields:
            self.client.patch(f"/orders/{order['id']}", fields)

    def move(self) -> None:
        factors = [1 + self.random.uniform(-0.03, 0.03) for _ in range(3)]
        jumps = self.random.random() < 0.5
        for factor in factors:
            if jumps:
                self.server.market.jump("W", self.price(factor))
            else:
                self.server.market.move("W", self.price(factor))

    def work(self) -> None:
        self.account.work()

    def let_time_pass(self) -> None:
        self.server.market.now += timedelta(hours=self.random.choice([1, 3, 12]))

    def limit_fills(self) -> None:
        self.account.largest_fill = self.random.choice([None, Decimal(2)])


def test_the_books_stay_true(server: AlpacaServer) -> None:
    seen = set[str]()
    for seed in SEEDS:
        account = server.open_account(f"PK{seed}", cash=10_000)
        client = client_of(server, account)
        chaos, ended = Chaos(server, client, account, seed), dict[str, tuple[str, Decimal]]()
        for _ in range(STEPS):
            chaos.step()
            check_books(account)
            orders = account.orders.values()
            assert all(ended[each.id] == (each.status, each.filled) for each in orders if each.id in ended)
            ended |= {each.id: (each.status, each.filled) for each in orders if not each.is_open}
        told = client.get_account()
        assert (Decimal(told["cash"]), Decimal(told["equity"])) == (account.cash, account.equity)
        seen |= {status for status, _ in ended.values()}
    assert seen >= {"filled", "canceled", "expired", "replaced"}


def check_books(account: Account) -> None:
    cash, shares, filled = Decimal(10_000), ZERO, dict[str, Decimal]()
    for fill in account.activities:
        signed = fill.qty if fill.answer["side"] == "buy" else -fill.qty
        cash, shares = cash - signed * fill.price, shares + signed
        filled[fill.order_id] = filled.get(fill.order_id, ZERO) + fill.qty
        assert shares >= 0  # this account cannot sell short
    assert (account.cash, account.held("W")) == (cash, shares)
    entered, left = dict[str, Decimal](), dict[str, Decimal]()
    for order in account.orders.values():
        assert order.filled == filled.get(order.id, ZERO) <= order.qty
        assert (order.status == "filled") == (order.filled == order.qty)
        if order.group and order.order_class != "oco":
            side = entered if order.role == "entry" else left
            side[order.group] = side.get(order.group, ZERO) + order.filled
    assert all(left[group] <= entered[group] for group in left)
