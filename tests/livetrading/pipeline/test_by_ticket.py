"""Orders by hand in the simulation: through the pipeline of every order, to the cent."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from livetrading.models import AccountRule, BrokerAccount, Order, OrderState, PaperAccount, PaperTrade
from livetrading.models.order import OrderType, TimeInForce
from livetrading.models.trade import Trade
from livetrading.pipeline.by_ticket import NotPlaced, place, sell_at_limit
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.gate import ORDER_OVER
from livetrading.pipeline.requeue import lost_orders
from livetrading.pipeline.tick import tick
from livetrading.pipeline.ticket_judgement import judge
from livetrading.pipeline.tickets import Ticket
from livetrading.services.closing import close_position
from livetrading.services.halt import request
from livetrading.services.order_cancel import cancel_order
from livetrading.services.replay_hold import unfinished_work
from tests.livetrading.factories import make_live_strategy, make_paper_trade
from tests.livetrading.made_bars import CLOSES, damage_bars, store_bars, traded
from tests.livetrading.pipeline.desk import WALL, open_account
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.models import AuditRecord
from tradedesk.core.rules import Costs

S = OrderState


class Desk:
    """An account in the simulation; rows: the daily bars of AAPL, of which those up to `row` have closed."""

    def __init__(self, user: User, *rows: tuple[float, float, float, float], costs: Costs | None = None) -> None:
        store_bars(AAPL=traded(*rows))
        self.user = user
        self.books = open_account(user, 10_000.0, costs)
        self.row, self.wall = 2, WALL

    @property
    def account(self) -> BrokerAccount:
        return BrokerAccount.objects.select_related("user", "paper_account").get(pk=self.books.broker_account_id)

    @property
    def now(self) -> datetime:
        return CLOSES[self.row]

    def place(self, side: str = "buy", key: str = "", **fields: Any) -> list[Order]:
        values: dict[str, Any] = {"symbol": "AAPL", "side": side, "shares": Decimal(100)} | fields
        return place(self.account, Ticket(**values), by=self.user, now=self.now, wall_now=self.wall, key=key)

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.wall += timedelta(seconds=6)
            orders = tick(self.account.pk, self.now, self.wall).orders
            for order_id in dict.fromkeys([*orders, *lost_orders(self.wall + timedelta(minutes=1))]):
                execute_order(order_id, self.now, self.wall)

    def session(self) -> None:
        self.tick(3)
        self.row += 1
        self.tick(3)

    def buy(self, **fields: Any) -> Trade:
        self.place(**fields)
        self.session()
        return PaperTrade.objects.get()


FLAT = (10.0, 10.0, 10.0, 10.0)
QUIET = [FLAT] * 3


def states(**which: Any) -> list[str]:
    return [
        str(each) for each in Order.objects.filter(**which).order_by("created_at").values_list("state", flat=True)
    ]


def codes(raised: pytest.ExceptionInfo[NotPlaced]) -> list[str]:
    return [problem.code for problem in raised.value.problems]


def test_a_purchase_goes_through_the_pipeline_and_is_protected_as_any_lot(alice: User) -> None:
    desk = Desk(alice, *QUIET, (10, 11, 9.5, 10), (10, 10, 8, 8), costs=Costs(commission_per_order=1.0))
    (order,) = desk.place(stop_loss_pct=0.1, take_profit_pct=0.5)
    assert (order.state, order.signal_id, order.live_strategy_id, order.client_order_id) == (
        S.PENDING,
        None,
        None,
        Order.client_id_of(order.pk),
    )
    assert not PaperAccount.objects.get().orders.exists()  # a worker sends it
    assert unfinished_work(desk.now) == "1 order"
    assert AuditRecord.objects.get(action="manual_order").details["order"] == str(order.pk)
    desk.session()
    (trade,) = PaperTrade.objects.all()
    assert (trade.live_strategy_id, trade.quantity, trade.entry_price) == (None, 100, 10)
    assert (trade.stop_price, trade.target_price, trade.is_open) == (9, 15, True)
    assert PaperAccount.objects.get().cash == 8999
    desk.session()
    trade.refresh_from_db()
    assert (trade.exit_reason, trade.exit_price) == ("stop_loss", 9)
    assert (desk.account.booked_cash, PaperAccount.objects.get().cash) == (9898, 9898)


def test_a_limit_waits_for_its_price_and_a_day_order_expires_with_the_session(alice: User) -> None:
    desk = Desk(alice, *QUIET, (10, 10, 9.5, 9.6), (9.6, 9.6, 9, 9), (9, 9, 8, 8))
    (day,) = desk.place(type="limit", limit_price=Decimal("9.2"))
    (gtc,) = desk.place(type="limit", limit_price=Decimal("9.1"), time_in_force="gtc")
    desk.session()
    assert [Order.objects.get(pk=each.pk).state for each in (day, gtc)] == [S.EXPIRED, S.ACCEPTED]
    assert alice.notifications.filter(text__contains="has expired").count() == 1
    desk.session()
    gtc.refresh_from_db()
    assert (gtc.state, gtc.filled_price) == (S.FILLED, Decimal("9.1"))
    assert Order.objects.get(pk=day.pk).filled_quantity == 0


def test_a_sale_that_waits_for_its_shares_is_not_sent_after_its_time(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT, FLAT)
    desk.buy()
    (sale,) = desk.place("sell", type="limit", limit_price=Decimal(12))
    Order.objects.filter(pk=sale.pk).update(valid_until=desk.now - timedelta(minutes=1))
    desk.tick(3)
    sale.refresh_from_db()
    assert (sale.state, sale.reason) == (S.BLOCKED, ORDER_OVER)
    assert PaperTrade.objects.get().is_open


def test_a_stop_buys_above_the_market(alice: User) -> None:
    desk = Desk(alice, *QUIET, (10, 10.5, 9.9, 10), (10, 12, 10, 12))
    desk.place(type="stop", stop_price=Decimal(11), time_in_force="gtc")
    desk.session()
    assert not PaperTrade.objects.exists()
    desk.session()
    assert PaperTrade.objects.get().entry_price == 11


def test_a_repeated_key_places_one_order_and_another_request_may_not_have_it(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT)
    first, again = desk.place(key="k"), desk.place(key="k", shares=Decimal("100.0"))
    assert [each.pk for each in first] == [each.pk for each in again]
    with pytest.raises(NotPlaced) as raised:
        desk.place(key="k", shares=Decimal(50))
    assert codes(raised) == ["key"]
    assert Order.objects.count() == 1
    desk.session()
    waiting: dict[str, Any] = {"type": "limit", "limit_price": Decimal(12), "shares": Decimal(20)}
    assert [each.pk for each in desk.place("sell", key="r", **waiting)] == [
        each.pk for each in desk.place("sell", key="r", **waiting)
    ]
    (sale,) = desk.place("sell", key="s", shares=Decimal(30))
    assert [each.pk for each in desk.place("sell", key="s", shares=Decimal(30))] == [sale.pk]
    with pytest.raises(NotPlaced):
        desk.place("sell", key="s", shares=Decimal(20))


def test_a_key_that_was_used_in_another_account_orders_nothing(alice: User) -> None:
    """A script that asks again after the active account was changed."""
    desk = Desk(alice, *QUIET, FLAT)
    (order,) = desk.place(key="k")
    other = BrokerAccount.objects.create(user=alice, broker="other", mode=Mode.PAPER, name="Second", active=False)
    Order.objects.filter(pk=order.pk).update(account=other)
    with pytest.raises(NotPlaced) as raised:
        desk.place(key="k")
    assert codes(raised) == ["key"]
    assert Order.objects.count() == 1


def test_a_worker_that_dies_between_row_and_send_sends_once(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT)
    (order,) = desk.place()
    assert Order.claim(order.pk, "a worker that is killed", desk.wall)
    desk.wall += timedelta(minutes=1)
    desk.tick(6)
    order.refresh_from_db()
    assert (order.state, order.attempts) == (S.ACCEPTED, 2)
    assert PaperAccount.objects.get().orders.count() == 1
    desk.session()
    assert PaperTrade.objects.get().quantity == 100


def test_everything_that_holds_an_order_back_is_said_and_kept(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT)
    rules = desk.account.rules
    rules.create(kind="order_value", limit=500, position=1)
    rules.create(kind="blocked_symbols", symbols=["AAPL"], position=2)
    with pytest.raises(NotPlaced) as raised:
        desk.place(shares=Decimal(2000))
    assert codes(raised) == ["buying_power", "account_rule", "account_rule"]
    assert list(AccountRule.objects.values_list("blocked_count", flat=True)) == [1, 1]
    assert len(AuditRecord.objects.get(action="order_refused").details["reasons"]) == 3
    assert not Order.objects.exists()


def test_a_rule_that_is_added_before_the_order_is_sent_blocks_it(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT)
    (order,) = desk.place()
    desk.account.rules.create(kind="order_value", limit=500)
    desk.tick()
    order.refresh_from_db()
    assert (order.state, "$1,000.00" in order.reason) == (S.BLOCKED, True)


def test_a_price_that_has_run_away_before_the_order_is_sent_blocks_it(alice: User) -> None:
    desk = Desk(alice, *QUIET, (10, 13, 10, 13), FLAT)
    desk.account.rules.create(kind="price_collar", limit=Decimal("0.1"))
    limit: dict[str, Any] = {"limit_price": Decimal(9), "type": "limit", "time_in_force": "gtc"}
    (market,), (waits,) = desk.place(shares=Decimal(1), type="market"), desk.place(**limit)
    desk.row += 1
    for order in (market, waits):
        execute_order(order.pk, desk.now, desk.wall)
    assert [Order.objects.get(pk=order.pk).state for order in (market, waits)] == [S.BLOCKED, S.ACCEPTED]
    with pytest.raises(NotPlaced) as raised:
        desk.place(type="limit", limit_price=Decimal(20), shares=Decimal(1))
    assert codes(raised) == ["account_rule"]


def test_a_sale_needs_no_price(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT)
    desk.buy()
    damage_bars("AAPL")
    (sale,) = desk.place("sell")
    assert (sale.quantity, sale.type) == (100, "market")
    with pytest.raises(NotPlaced):
        desk.place("sell", shares=None, dollars=Decimal(10))


def test_a_halted_account_buys_nothing_and_sells_what_was_bought_by_hand(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT, (11, 11, 11, 11))
    desk.buy(stop_loss_pct=0.1)
    (waiting,) = desk.place(type="limit", limit_price=Decimal(5), shares=Decimal(1))
    request(desk.account, "orders", by="alice", now=desk.now, wall_now=desk.wall)
    with pytest.raises(NotPlaced) as raised:
        desk.place(shares=Decimal(1))
    assert codes(raised) == ["halt"]
    desk.place("sell")
    desk.session()
    waiting.refresh_from_db()
    assert waiting.state == S.CANCELLED
    assert (PaperTrade.objects.get().exit_price, PaperTrade.objects.get().exit_reason) == (11, "manual")


def test_an_order_of_the_other_mode_is_held_back_at_the_press_and_before_it_is_sent(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT)
    (order,) = desk.place()
    User.objects.filter(pk=alice.pk).update(mode=Mode.LIVE)
    with pytest.raises(NotPlaced) as raised:
        desk.place()
    assert codes(raised) == ["mode"]
    desk.tick()
    order.refresh_from_db()
    assert order.state == S.BLOCKED


def test_working_purchases_use_up_the_buying_power(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT)
    limit: dict[str, Any] = {
        "type": "limit",
        "limit_price": Decimal(9),
        "time_in_force": "gtc",
        "shares": Decimal(1000),
    }
    desk.place(**limit)
    judged = judge(desk.account, Ticket(symbol="AAPL", side="buy", shares=Decimal(100)), desk.now)
    assert (judged.power, [problem.code for problem in judged.problems]) == (820, ["buying_power"])


def test_a_sale_takes_the_shares_that_were_bought_by_hand_and_says_whose_the_others_are(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT, FLAT)
    desk.buy()
    live = make_live_strategy(user=alice, account=desk.account)
    make_paper_trade(
        user=alice, account=desk.account, live_strategy=live, stop_price=None, initial_stop_price=None
    )
    with pytest.raises(NotPlaced) as raised:
        desk.place("sell", shares=Decimal(105))
    (problem,) = raised.value.problems
    assert (problem.field, "10 more belong to others" in problem) == ("quantity", True)
    (mine,) = desk.place("sell", shares=Decimal(60))
    (of_strategy,) = desk.place("sell", shares=Decimal(10), live_id=live.pk)
    assert (mine.live_strategy_id, of_strategy.live_strategy_id, mine.partial) == (None, live.pk, True)
    bob = User.objects.create_user("bob@example.com")
    theirs = make_live_strategy(user=bob)
    with pytest.raises(NotPlaced):
        desk.place("sell", shares=Decimal(1), live_id=theirs.pk)


def test_a_sale_at_a_limit_waits_beside_the_stop_which_is_kept(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT, (10, 11, 10, 11), (11, 13, 11, 13))
    desk.buy(stop_loss_pct=0.1)
    (sale,) = desk.place("sell", shares=Decimal(40), type="limit", limit_price=Decimal(12), time_in_force="gtc")
    with pytest.raises(NotPlaced):
        desk.place("sell", shares=Decimal(61), type="limit", limit_price=Decimal(13))
    desk.session()
    assert (states(purpose="stop_loss"), Order.objects.get(pk=sale.pk).state) == ([S.ACCEPTED], S.ACCEPTED)
    desk.session()
    sale.refresh_from_db()
    trade = PaperTrade.objects.get()
    assert (sale.state, sale.filled_price, trade.open_quantity) == (S.FILLED, 12, 60)
    assert Order.objects.get(purpose="stop_loss").open_quantity == 60


def test_a_sale_that_waits_is_ended_by_a_sale_at_the_market_and_not_made_again(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT, FLAT, FLAT)
    desk.buy(stop_loss_pct=0.1)
    waiting: dict[str, Any] = {"type": "limit", "limit_price": Decimal(12)}
    (day,) = desk.place("sell", **waiting)
    desk.session()
    assert (Order.objects.get(pk=day.pk).state, Order.objects.filter(purpose="exit").count()) == (S.EXPIRED, 1)
    assert not desk.account.incidents.exists()
    (gtc,) = desk.place("sell", **waiting, time_in_force="gtc")
    desk.tick(2)
    close_position(desk.account, "AAPL", None, by=alice, now=desk.now, wall_now=desk.wall)
    desk.session()
    gtc.refresh_from_db()
    assert (gtc.state, gtc.filled_quantity, PaperTrade.objects.get().is_open) == (S.CANCELLED, 0, False)


def test_a_waiting_order_is_cancelled_by_hand(alice: User) -> None:
    desk = Desk(alice, *QUIET, FLAT, (8, 8, 8, 8))
    (order,) = desk.place(type="limit", limit_price=Decimal(9), time_in_force="gtc", stop_loss_pct=0.1)
    desk.tick(2)
    cancel_order(Order.objects.get(pk=order.pk), by=alice, wall_now=desk.wall)
    desk.session()
    assert (states(purpose="entry"), states(purpose="stop_loss")) == ([S.CANCELLED], [S.CANCELLED])


@pytest.mark.parametrize("what", ["stale", "unknown", "ended"])
def test_there_is_no_purchase_without_a_price_or_a_market(alice: User, what: str) -> None:
    desk = Desk(alice, *QUIET)
    symbol = "ZZZ" if what == "unknown" else "AAPL"
    desk.row = 9 if what == "stale" else 2
    ticket = Ticket(symbol=symbol, side="buy", shares=Decimal(1))
    judged = judge(desk.account, ticket, desk.now, ended=what == "ended")
    assert [problem.code for problem in judged.problems] == ["market" if what == "ended" else "data"]


def test_the_number_of_queries_does_not_depend_on_what_is_held(alice: User) -> None:
    desk = Desk(alice, *QUIET)
    desk.account.rules.create(kind="open_positions", limit=500)
    ticket = Ticket(symbol="AAPL", side="buy", shares=Decimal(1))

    def queries() -> int:
        account = desk.account
        with CaptureQueriesContext(
            connection,
        ) as captured:
            judge(account, ticket, desk.now)
        return len(captured)

    make_paper_trade(user=alice, account=desk.account)
    few = queries()
    for _ in range(8):
        make_paper_trade(user=alice, account=desk.account)
    assert (queries(), few < 20) == (few, True)


def test_a_sale_for_the_day_is_good_for_the_next_bar_of_each_lot(alice: User) -> None:
    lots = [make_paper_trade(user=alice, timeframe=timeframe) for timeframe in ("1Min", "1Day")]
    account = BrokerAccount.objects.select_related("user").get(pk=lots[0].account_id)
    ticket = Ticket(
        symbol="AAPL",
        side="sell",
        shares=Decimal(20),
        type=OrderType.LIMIT,
        limit_price=Decimal(50),
        time_in_force=TimeInForce.DAY,
    )
    at = CLOSES[0] - timedelta(hours=5)
    made = sell_at_limit(account, ticket, {"symbol": "AAPL"}, by=alice, now=at, wall_now=at, key="")
    ends = {order.timeframe: order.valid_until for order in made}
    assert ends == {"1Min": CLOSES[0], "1Day": CLOSES[1]}
