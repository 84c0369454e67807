"""The pipeline at Alpaca: entries, protection and sales through the real adapter."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.alpaca.broker import CAPABILITIES
from livetrading.models import LiveStrategy, Order, OrderState
from livetrading.models.trade import trades_of
from livetrading.pipeline.protection import exits_of_entry
from livetrading.services.manual_exits import manual_exit
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import AlpacaDesk, alpaca_desk
from tests.livetrading.factories import make_order
from tests.livetrading.made_bars import CLOSES
from tradedesk.accounts.models import User

S = OrderState
EXACT = [("limit", Decimal(100), "12.00", "gtc"), ("stop", Decimal(100), "9.00", "gtc")]


@pytest.fixture
def desk(server: AlpacaServer, alice: User, settings: Any) -> AlpacaDesk:
    return alpaca_desk(server, alice, settings)


def test_an_entry_travels_with_its_exits_which_get_their_exact_prices_after_the_fill(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.order_entries()
    (entry,) = [order for order in desk.books.orders.values() if order.side == "buy"]
    assert (entry.order_class, entry.type, entry.time_in_force) == ("bracket", "market", "day")
    # A net around the close of the decision at 11: 10% below and 20% above a fill 15% away from it.
    assert [(kind, price) for kind, _, price, _ in desk.on_sale()] == [("limit", "15.18"), ("stop", "8.42")]
    desk.open_day(10)
    desk.step(4)
    assert desk.on_sale() == EXACT
    assert desk.states("entry") == [S.FILLED]
    assert (desk.states("stop_loss"), desk.states("take_profit")) == ([S.CANCELLED, S.ACCEPTED],) * 2
    (trade,) = desk.trades()
    assert (trade.quantity, trade.entry_price, trade.stop_price, trade.target_price) == (100, 10, 9, 12)
    assert desk.books.refused == []
    desk.check_settled()


@pytest.mark.parametrize(("opening", "stop", "target"), [(9.85, "8.87", "11.82"), (13.3, "11.97", "15.96")])
def test_an_entry_that_opens_with_a_gap_beyond_an_exit_is_not_sold_at_once(
    desk: AlpacaDesk, opening: float, stop: str, target: str
) -> None:
    """The exits follow the fill, as in a backtest: 10% below the close of 11 is 9.90, 20% above it 13.20."""
    desk.deploy()
    desk.order_entries()
    desk.open_day(opening)
    desk.step(4)
    (trade,) = desk.trades()
    assert (trade.open_quantity, float(trade.entry_price)) == (100, opening)
    assert desk.on_sale() == [("limit", 100, target, "gtc"), ("stop", 100, stop, "gtc")]
    desk.check_settled()


@pytest.mark.parametrize("back", [True, False])
def test_a_price_that_falls_below_the_stop_before_it_is_there(desk: AlpacaDesk, *, back: bool) -> None:
    """Alpaca takes no stop above the price: the net stays, until the stop is taken or the bar sells the lot."""
    desk.deploy(take_profit_pct=None)
    desk.order_entries()
    desk.open_day(10)
    desk.books.work()
    desk.server.market.move("W", 8.9)
    desk.step(2)
    assert [(kind, price) for kind, _, price, _ in desk.on_sale()] == [("stop", "8.42")]
    if back:
        desk.server.market.move("W", 9.5)
        desk.step(4)
        assert desk.on_sale() == EXACT[1:]
    else:
        desk.close_bar(10, 10, 8.9, 8.9)
        desk.step(4, trades=False)
        desk.open_day(8.95)
        desk.step(2)
        (trade,) = desk.trades()
        assert (trade.open_quantity, trade.exit_price) == (0, Decimal("8.95"))
    desk.check_settled()


def test_a_fill_whose_exits_are_where_the_net_is_makes_them_good_till_cancelled(
    desk: AlpacaDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livetrading.pipeline.protection.OVERNIGHT", 0.0)
    desk.deploy()
    desk.order_entries()
    desk.open_day(11)
    desk.step(5)
    assert desk.on_sale() == [("limit", 100, "13.20", "gtc"), ("stop", 100, "9.90", "gtc")]
    assert desk.books.refused == []


def test_the_stop_sells_the_lot_at_alpaca(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.hold()
    desk.server.market.move("W", 8.9)
    desk.step(2)
    (trade,) = desk.trades()
    assert (trade.exit_price, trade.open_quantity) == (9, 0)
    assert desk.on_sale() == []
    assert desk.unfinished() == []
    assert desk.incidents() == []
    desk.check_settled()


def test_an_exit_with_an_id_of_alpaca_is_known_after_the_entry_is_gone_from_the_list(
    desk: AlpacaDesk, server: AlpacaServer
) -> None:
    """The stop fills before the desk has seen the entry filled, and before it was replaced. Alpaca lists legs
    alone, whose ids say nothing."""
    desk.books.roll_up = False
    desk.deploy()
    desk.order_entries()
    desk.open_day(10)
    desk.books.work()
    server.market.move("W", 8)
    desk.step(2)
    (trade,) = desk.trades()
    assert trade.exit_price == Decimal("8.42")
    assert (desk.states("stop_loss"), desk.states("take_profit")) == ([S.FILLED], [S.CANCELLED])
    assert desk.unfinished() == []
    desk.check_settled()


def test_a_trailing_stop_that_rises_by_less_than_a_cent_stays_at_alpaca(desk: AlpacaDesk) -> None:
    desk.deploy(stop_loss_pct=None, take_profit_pct=None, trailing_stop_pct=0.1)
    desk.hold()
    for day in range(4):
        desk.close_bar(10 + 0.001 * day, 10.02 + 0.002 * day, 10, 10.02)
        for _ in range(3):
            desk.step(trades=False)
            assert [kind for kind, *_ in desk.on_sale()].count("stop") in (1, 2)  # two: one replaces the other
        assert len(desk.on_sale()) == 1
    assert desk.books.refused == []
    assert S.GUARDED not in desk.states("trailing_stop")


def test_a_signal_exit_frees_the_shares_and_sells_them(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.hold()
    sell(desk)
    desk.step(3, trades=False)
    desk.open_day(9.8)
    desk.step(3)
    (trade,) = desk.trades()
    assert (trade.exit_price, desk.on_sale(), desk.unfinished()) == (Decimal("9.8"), [], [])
    assert desk.states("exit") == [S.FILLED]
    assert desk.books.refused == []
    desk.check_settled()


def sell(desk: AlpacaDesk) -> None:
    """One more bar, whose close signals an exit."""
    desk.server.market.move("W", 9.98)
    desk.close_bar(10, 10, 9.98, 9.98)
    desk.tick()
    desk.send()


def test_protection_comes_back_when_the_sale_fails(desk: AlpacaDesk) -> None:
    """One of the two is at Alpaca again, and the desk guards the other one: each would lock the shares."""
    desk.deploy()
    desk.hold()
    desk.books.reject_next = ["market"] * 4
    sell(desk)
    desk.step(8)
    guarded = list(desk.account.orders.filter(state=S.GUARDED).values_list("purpose", flat=True))
    assert [kind for kind, *_ in desk.on_sale()] == ["stop"]
    assert guarded == ["take_profit"]
    (trade,) = desk.trades()
    assert trade.open_quantity == 100
    desk.check_settled()


def test_an_exit_beside_a_purchase_from_outside_names_it_and_sells_once_it_is_gone(desk: AlpacaDesk) -> None:
    desk.deploy(stop_loss_pct=None)  # beside a stop Alpaca refuses the purchase
    desk.hold()
    wanted = {"symbol": "W", "side": "buy", "qty": "5", "type": "limit", "time_in_force": "gtc"}
    outside = desk.books.submit(wanted | {"limit_price": "9"})
    sell(desk)
    desk.step(4, trades=False)
    failed = desk.account.incidents.get(kind="failed_exit", resolved_at=None)
    assert outside.id in failed.text
    desk.books.cancel(outside.id)
    desk.open_day(9.8)
    desk.step(8)
    assert [trade.open_quantity for trade in desk.trades()] == [0]
    failed.refresh_from_db()
    assert failed.resolved_at is not None


def test_parts_of_a_share_are_bought_alone_and_guarded_by_the_desk(desk: AlpacaDesk) -> None:
    desk.deploy(fractional=True, max_position_size=Decimal(1000))
    desk.order_entries()
    (order,) = desk.books.orders.values()
    assert (order.order_class, order.time_in_force, order.is_whole) == ("", "day", False)
    desk.open_day(10)
    desk.step(3)
    assert desk.on_sale() == []
    assert set(desk.account.orders.filter(holder=Order.Holder.DESK).values_list("state", flat=True)) == {S.GUARDED}
    desk.check_settled()


@pytest.mark.parametrize(
    ("factor", "outside", "sold"), [("0.99", 0, True), ("0.6", 0, False), ("0.99", 5, False), ("1.01", 0, False)]
)
def test_without_new_bars_the_desk_guards_by_the_brokers_price(
    desk: AlpacaDesk, factor: str, outside: int, sold: bool
) -> None:
    """factor: of the price to the stop; far below it, or with other shares than the desk's, there may have been a
    split."""
    desk.deploy(fractional=True, max_position_size=Decimal(1000))
    desk.order_entries()
    desk.open_day(10)
    desk.step(3)
    (trade,) = desk.trades()
    if outside:
        desk.books.trade_outside("W", outside, 10)
    desk.server.market.jump("W", (trade.stop_price or Decimal(0)) * Decimal(factor))
    desk.step(4)
    (trade,) = desk.trades()
    assert (trade.exit_time is not None) == sold
    assert trade.exit_reason == ("stop_loss" if sold else "")


@pytest.mark.parametrize("how", ["lost_after", "error_after", "html", "cut", "hang_after"])
def test_an_order_whose_answer_was_lost_is_found_and_not_sent_twice(
    desk: AlpacaDesk, server: AlpacaServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("livetrading.brokers.alpaca.client.CALL", 2.0)
    desk.deploy()
    server.script.add(how, "POST")
    desk.order_entries()
    assert desk.states("entry") == [S.UNKNOWN]
    desk.step(2, trades=False)
    assert desk.states("entry") == [S.ACCEPTED]
    desk.open_day(10)
    desk.step(4)
    assert desk.on_sale() == EXACT
    assert len([order for order in desk.books.orders.values() if order.side == "buy"]) == 1
    desk.check_settled()


def test_a_refused_entry_has_a_reason_that_can_be_read(desk: AlpacaDesk) -> None:
    desk.books.trade_suspended_by_user = True
    desk.deploy()
    desk.order_entries()
    assert desk.states("entry") in ([S.REJECTED], [S.BLOCKED], [])
    assert desk.account.state == "blocked"
    assert "suspended" in desk.account.state_reason


# --- Two strategies on one symbol ---


def test_two_strategies_hold_one_symbol_each_with_its_own_exits(desk: AlpacaDesk) -> None:
    """The entry of the second one is opposite to the stop of the first one: it passes because it has exits too."""
    desk.deploy()
    desk.hold()
    second = desk.deploy(next_check_at=CLOSES[3])
    desk.server.market.move("W", 11.5)
    desk.close_bar(10, 11.5, 10, 11.5)
    desk.step(2, trades=False)
    desk.open_day(11)
    desk.step(4)
    assert desk.books.refused == []
    assert [trade.live_strategy for trade in desk.trades()][1] == second
    exits = {("limit", "12.00"), ("stop", "9.00"), ("limit", "13.20"), ("stop", "9.90")}
    assert {(kind, price) for kind, _, price, _ in desk.on_sale()} == exits
    desk.check_settled()


def test_an_entry_without_exits_is_refused_beside_the_stop_of_another_strategy(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.hold()
    second = desk.deploy(next_check_at=CLOSES[3], stop_loss_pct=None, take_profit_pct=None)
    desk.close_bar(10, 11.5, 10, 11.5)
    desk.step(2, trades=False)
    entry = desk.account.orders.get(live_strategy=second, purpose="entry")
    assert entry.state == S.REJECTED
    assert "wash-trade rule" in entry.reason
    assert desk.on_sale() == EXACT


def test_a_sale_goes_out_before_the_purchase_of_another_strategy(desk: AlpacaDesk) -> None:
    """Both are decided at one close. The sale waits for its shares, and the purchase for the sale."""
    first = desk.deploy()
    desk.hold()
    second = desk.deploy(next_check_at=CLOSES[20])
    desk.close_bar(10, 10, 9.98, 9.98)
    desk.tick()
    desk.outbox.append(buy(desk, second).pk)
    desk.send()
    assert open_sides(desk) == set()  # the exits are being cancelled
    desk.step(3, trades=False)
    assert open_sides(desk) == {("sell", "market"), ("buy", "market")}
    assert desk.books.refused == []
    desk.open_day(9.9)
    desk.step(4)
    trades = {trade.live_strategy_id: trade for trade in trades_of(desk.account, desk.account.mode)}
    assert (trades[first.pk].exit_price, trades[second.pk].entry_price) == (Decimal("9.9"), Decimal("9.9"))
    desk.check_settled()


def test_a_sale_that_comes_later_takes_the_place_of_a_waiting_purchase(desk: AlpacaDesk) -> None:
    first = desk.deploy()
    desk.hold()
    second = desk.deploy(next_check_at=CLOSES[20])
    desk.close_bar(10.5)
    desk.outbox.append(buy(desk, second).pk)
    desk.step(1, trades=False)
    assert open_sides(desk) == {("buy", "market")}
    (lot,) = desk.trades()
    manual_exit(lot, CAPABILITIES, now=desk.now, wall_now=desk.wall).save()
    desk.step(4, trades=False)
    assert open_sides(desk) == {("sell", "market")}
    entry = desk.account.orders.get(live_strategy=second, purpose="entry")
    assert (entry.state, "goes first" in entry.reason) == (S.CANCELLED, True)
    desk.open_day(9.9)
    desk.step(3)
    trade = trades_of(desk.account, desk.account.mode).get(live_strategy=first)
    assert trade.exit_price == Decimal("9.9")
    desk.check_settled()


def buy(desk: AlpacaDesk, live: LiveStrategy) -> Order:
    """An entry of 50 shares of this strategy, which is to be sent."""
    entry = make_order(
        user=desk.user,
        live_strategy=live,
        account=desk.account,
        symbol="W",
        quantity=Decimal(50),
        state=S.PENDING,
        created_at=desk.now,
        state_changed_at=desk.wall,
        valid_until=desk.now + timedelta(days=3),
    )
    Order.objects.bulk_create(exits_of_entry(entry, live.risk_rules(), 9.95, CAPABILITIES))
    return entry


def open_sides(desk: AlpacaDesk) -> set[tuple[str, str]]:
    return {(o.side, o.type) for o in desk.books.orders.values() if o.is_open and not o.is_leg}
