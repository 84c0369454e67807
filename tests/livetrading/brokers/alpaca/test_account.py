"""The account at Alpaca: its report, what blocks it, and what happens in it besides the desk's orders."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.alpaca.account import position_of, report_of
from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.models import BrokerAccount, Incident, OrderState
from livetrading.pipeline.corporate_actions import PATIENCE
from livetrading.pipeline.keep_exits import RETRY
from livetrading.pipeline.lot_orders import SETTLES
from livetrading.pipeline.tick import tick
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import AlpacaDesk, alpaca_desk
from tests.livetrading.brokers.alpaca.stand_in import request, stand_in
from tests.livetrading.factories import make_order
from tests.livetrading.made_bars import NOW, OPENS
from tradedesk.accounts.models import User

ROW: dict[str, Any] = {
    "account_number": "PA123456",
    "status": "ACTIVE",
    "cash": "-10.25",
    "equity": "1000",
    "buying_power": "4000.10",
    "shorting_enabled": True,
}


def test_a_report_needs_the_money_and_nothing_else() -> None:
    report = report_of(ROW, "")
    assert (report.cash, report.equity, report.buying_power) == (Decimal("-10.25"), 1000, 0)
    assert (report.number, report.status, report.shorting, report.blocked) == ("PA123456", "ACTIVE", True, "")
    money = {name: ROW[name] for name in ("cash", "equity", "buying_power")}
    bare = report_of(money, "")
    assert (bare.number, bare.status, bare.shorting, bare.blocked) == ("", "", None, "")
    for name in money:
        with pytest.raises(OutcomeUnknown):
            report_of({**ROW, name: None}, "")


@pytest.mark.parametrize(
    ("money", "own"),
    [
        ({"cash": "1000", "buying_power": "4000"}, 1000),
        ({"cash": "1000", "buying_power": "4000", "non_marginable_buying_power": "900"}, 900),
        ({"cash": "1000", "buying_power": "800", "non_marginable_buying_power": "900"}, 800),
        ({"cash": "-5", "buying_power": "4000", "non_marginable_buying_power": "900"}, 0),
    ],
)
def test_nothing_is_bought_with_borrowed_money(money: dict[str, str], own: int) -> None:
    assert report_of(ROW | money, "").buying_power == own


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"account_blocked": True}, "blocked the account"),
        ({"trading_blocked": True}, "blocked trading"),
        ({"trade_suspended_by_user": True}, "suspended"),
        ({"status": "ACCOUNT_CLOSED"}, "closed"),
        ({"status": "ONBOARDING"}, "not open"),
        ({"account_number": "PA999999"}, "…9999"),
        ({"status": "PONDERING"}, ""),
    ],
)
def test_an_account_that_takes_no_orders_says_why(changes: dict[str, Any], part: str) -> None:
    blocked = report_of(ROW | changes, "PA123456").blocked
    assert bool(blocked) == bool(part)
    assert part in blocked


@pytest.mark.parametrize(("side", "qty", "shares"), [("long", "5", 5), ("short", "-5", -5), ("short", "5", -5)])
def test_a_short_position_is_below_zero(side: str, qty: str, shares: int) -> None:
    assert position_of({"symbol": "AAPL", "qty": qty, "side": side}).quantity == shares


# --- What happens in the account ---


@pytest.fixture
def desk(server: AlpacaServer, alice: User, settings: Any) -> AlpacaDesk:
    return alpaca_desk(server, alice, settings)


def test_fees_dividends_and_interest_are_cash_and_no_difference(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.hold()
    desk.books.charge("0.37", day=desk.now.date() - timedelta(days=1))
    desk.books.pay_dividend("W", "0.25")
    desk.books.book("INT", "1.01")
    desk.books.book("CSD", "500")
    desk.step(4)
    kinds = desk.account.activities.order_by("kind").values_list("kind", "amount")
    assert {kind: float(amount) for kind, amount in kinds} == {
        "dividend": 25.0,
        "fee": -0.37,
        "interest": 1.01,
        "transfer": 500.0,
    }
    assert desk.incidents() == []
    desk.check_settled()


def test_an_activity_that_is_taken_back_later_is_booked_back_once(desk: AlpacaDesk) -> None:
    desk.tick()
    deposit, fee = desk.books.book("CSD", "500"), desk.books.charge("0.37")
    desk.step(2)
    peak = desk.account.peak_equity
    for activity in (deposit, fee):
        activity.answer["status"] = "canceled"
    desk.books.cash -= deposit.amount + fee.amount
    desk.step(2)
    amounts = sorted(desk.account.activities.values_list("kind", "amount"))
    assert amounts == [
        ("fee", Decimal("-0.37")),
        ("fee", Decimal("0.37")),
        ("transfer", -500),
        ("transfer", 500),
    ]
    assert desk.account.peak_equity == (peak or 0) - 500
    assert desk.incidents() == []
    desk.check_settled()


def test_a_fill_that_is_corrected_or_undone_is_corrected_in_the_books(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.hold()
    (fill,) = [each for each in desk.books.activities if each.type == "FILL"]
    desk.books.bust(fill.id, price="10.02")
    desk.step(2)
    (trade,) = desk.trades()
    assert trade.entry_price == Decimal("10.02")
    assert desk.incidents() == ["corrected_fill"]
    assert abs((desk.account.booked_cash or 0) - desk.books.cash) < Decimal("0.01")


def test_a_split_of_shares_that_are_not_all_of_the_desk_is_a_difference(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.hold()
    desk.books.hold("W", 150, 10)
    desk.books.split("W", 2, 1)
    desk.step(4)
    (trade,) = desk.trades()
    assert trade.open_quantity == 100
    assert (trade.entry_price, trade.stop_price) == (10, 9)
    assert set(desk.incidents()) >= {Incident.Kind.POSITION}
    # After some days it is kept, without an effect.
    assert not desk.account.activities.exists()
    desk.set_time(desk.now + PATIENCE)
    desk.step()
    assert list(desk.account.activities.values_list("kind", "quantity")) == [("split", 150)]
    (trade,) = desk.trades()
    assert trade.open_quantity == 100


def test_an_account_that_was_reset_is_blocked_and_nothing_is_adopted(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.hold()
    BrokerAccount.objects.update(number=desk.books.number)
    desk.books.reset()
    desk.tick()
    assert desk.account.state == BrokerAccount.State.BLOCKED
    assert "reset" in desk.account.state_reason
    (trade,) = desk.trades()
    assert trade.open_quantity == 100


@pytest.mark.parametrize("how", ["liquidate", "reset"])
def test_shares_that_are_gone_are_not_sold_short(
    desk: AlpacaDesk, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The account may sell short, as most accounts with margin may."""
    monkeypatch.setattr(desk, "check_books", lambda: None)  # of a reset account nothing is left
    desk.books.shorting_enabled, desk.books.multiplier = True, 2
    desk.deploy()
    desk.hold()
    BrokerAccount.objects.update(number=desk.books.number)
    desk.set_time(desk.now + 2 * SETTLES)
    getattr(desk.books, how)()
    desk.step(6)
    desk.server.market.move("W", 9.98)
    desk.close_bar(10, 10, 9.98, 9.98)  # signals an exit
    desk.step(3)
    desk.open_day(8)  # below the stop
    desk.step(3)
    assert (desk.on_sale(), desk.books.refused) == ([], [])
    assert all(held.qty >= 0 for held in desk.books.holdings.values())
    assert Incident.Kind.POSITION in desk.incidents()


def test_of_a_lot_that_is_there_in_part_only_that_part_is_protected_and_sold(desk: AlpacaDesk) -> None:
    desk.books.shorting_enabled, desk.books.multiplier = True, 2
    desk.deploy(take_profit_pct=None)
    desk.hold()
    desk.books._cancel_all()
    desk.books.trade_outside("W", -40, 10)
    desk.step(4)  # the stop for all of them is refused, until the difference has lasted
    desk.set_time(desk.now + RETRY)
    desk.step(2)
    assert desk.on_sale() == [("stop", 60, "9.00", "gtc")]
    desk.server.market.move("W", 9.98)
    desk.close_bar(10, 10, 9.98, 9.98)  # signals an exit
    desk.step(3)
    desk.open_day(9.9)
    desk.step(6)
    (trade,) = desk.trades()
    assert (trade.exit_quantity, trade.open_quantity, desk.on_sale()) == (60, 40, [])
    assert [held.qty for held in desk.books.holdings.values() if held.qty] == []
    assert desk.incidents() == [Incident.Kind.POSITION, Incident.Kind.CASH]


def test_many_working_orders_cost_one_request(server: AlpacaServer, alice: User, settings: Any) -> None:
    """30 entries with a stop and a target each, and their fills: a reconciliation asks for no order by itself."""
    alpaca = stand_in(server, alice, settings, OPENS[0], cash=1_000_000)
    for _ in range(30):
        order = make_order(
            user=alice,
            account=alpaca.account,
            live_strategy=None,
            symbol="AAPL",
            quantity=1,
            state=OrderState.ACCEPTED,
            created_at=OPENS[0],
        )
        made = alpaca.broker().submit(request(order.client_order_id, 1, stop=10, target=30))
        type(order).objects.filter(pk=order.pk).update(broker_order_id=made.broker_order_id)
    counts = []
    for _ in range(3):
        server.requests.clear()
        tick(alpaca.account.pk, server.market.now, NOW, checks=False)
        counts.append(len(server.requests))
        alpaca.books.work()
    # One more with the first report, and for the look further back that comes every ten minutes.
    assert counts == [6, 5, 6], alpaca.asked()
    assert alpaca.account.fills.count() == 30
    assert set(alpaca.account.orders.values_list("state", flat=True)) == {OrderState.FILLED}
