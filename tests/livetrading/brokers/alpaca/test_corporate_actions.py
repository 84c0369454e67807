"""Splits and changes of symbols at Alpaca: the lots, their exits and the positions follow."""

from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.alpaca.broker import CAPABILITIES
from livetrading.models import Incident, OrderState
from livetrading.models.position import position_model
from livetrading.services.manual_exits import manual_exit
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import AlpacaDesk, alpaca_desk
from tests.livetrading.made_bars import CLOSES, store_bars, traded
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.notifications.models import Notification


@pytest.fixture
def desk(server: AlpacaServer, alice: User, settings: Any) -> AlpacaDesk:
    return alpaca_desk(server, alice, settings)


def lot(desk: AlpacaDesk) -> tuple[str, Decimal, Decimal, Decimal | None, Decimal | None]:
    (trade,) = desk.trades()
    return trade.symbol, trade.open_quantity, trade.entry_price, trade.stop_price, trade.target_price


def positions(desk: AlpacaDesk) -> dict[str, tuple[Decimal, Decimal]]:
    rows = position_model(desk.account)._default_manager.filter(account=desk.account)
    return {row.symbol: (row.quantity, row.average_price) for row in rows}


def told(desk: AlpacaDesk) -> int:
    return Notification.objects.filter(user=desk.user, event="corporate_action").count()


@pytest.mark.parametrize(
    ("new", "old", "shares", "prices"),
    [(2, 1, 200, ("5", "4.5", "6")), (3, 2, 150, ("6.666667", "6", "8")), (1, 10, 10, ("100", "90", "120"))],
)
def test_a_split_changes_the_lot_and_its_exits(
    desk: AlpacaDesk, new: int, old: int, shares: int, prices: tuple[str, str, str]
) -> None:
    desk.deploy()
    desk.hold()
    desk.books.split("W", new, old)
    desk.step(4)
    paid, stop, target = map(Decimal, prices)
    assert lot(desk) == ("W", shares, paid, stop, target)
    assert positions(desk) == {"W": (shares, paid)}
    # Alpaca has cancelled both. An order without its entry locks the shares, so the desk guards the target.
    assert desk.on_sale() == [("stop", Decimal(shares), f"{stop:.2f}", "gtc")]
    assert [order.trigger_price for order in desk.account.orders.filter(state=OrderState.GUARDED)] == [target]
    assert desk.incidents() == []
    desk.check_settled()
    # Once, however often it is reported.
    assert (told(desk), AuditRecord.objects.filter(action="split").count()) == (1, 1)
    assert list(desk.account.activities.values_list("kind", flat=True)) == ["split"]
    # The stop sells all of it, with the profit of the shares as they are.
    desk.server.market.jump("W", stop - Decimal("0.01"))
    desk.step(3)
    (trade,) = desk.trades()
    assert (trade.open_quantity, desk.on_sale(), desk.unfinished()) == (0, [], [])
    assert trade.pnl == (shares * (trade.exit_price or 0) - shares * paid).quantize(Decimal("0.000001"))
    desk.check_settled()


def test_each_lot_of_a_split_has_its_part(desk: AlpacaDesk) -> None:
    """A whole position can be lots with parts of a share, whose exits the desk guards."""
    desk.deploy()
    desk.deploy(max_position_size=Decimal(500))
    desk.hold()
    sizes = sorted(trade.open_quantity for trade in desk.trades())
    desk.books.split("W", 1, 2)
    desk.step(4)
    assert sorted(trade.open_quantity for trade in desk.trades()) == [size / 2 for size in sizes]
    assert {trade.stop_price for trade in desk.trades()} == {18}
    assert desk.incidents() == []
    desk.check_settled()


def test_a_change_of_symbol_moves_the_lot_its_orders_and_its_position(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.hold()
    desk.books.rename("W", "WW")
    desk.step(4)
    assert lot(desk) == ("WW", 100, 10, 9, 12)
    assert positions(desk) == {"WW": (100, 10)}
    assert desk.on_sale() == [("stop", 100, "9.00", "gtc")]
    assert {order.symbol for order in desk.books.orders.values() if order.is_open} == {"WW"}
    assert (told(desk), AuditRecord.objects.filter(action="symbol_changed").count()) == (1, 1)
    assert desk.incidents() == []
    desk.check_settled()


def test_a_sale_that_waits_sells_the_shares_of_after_the_split(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.hold()
    (trade,) = desk.trades()
    manual_exit(trade, CAPABILITIES, quantity=Decimal(40), now=desk.now, wall_now=desk.wall).save()
    desk.books.split("W", 2, 1)
    desk.step(5)
    (trade,) = desk.trades()
    assert (trade.open_quantity, trade.exit_quantity) == (120, 80)
    assert desk.on_sale() == [("stop", 120, "4.50", "gtc")]
    desk.check_settled()


def test_an_entry_of_before_the_split_ends(desk: AlpacaDesk) -> None:
    """The broker cancels what it has; what is not sent means other shares at another price."""
    desk.deploy()
    desk.hold()
    second = desk.deploy(next_check_at=CLOSES[3])
    desk.server.market.move("W", 11.5)
    desk.close_bar(10, 11.5, 10, 11.5)
    desk.tick()
    desk.outbox.clear()
    desk.books.split("W", 2, 1)
    desk.step(4, trades=False)
    entry = desk.account.orders.get(live_strategy=second, purpose="entry")
    assert (entry.state, entry.attempts) == (OrderState.CANCELLED, 0)
    assert not desk.account.orders.filter(live_strategy=second).exclude(state=OrderState.CANCELLED).exists()
    desk.check_settled()


def test_exits_that_nobody_watches_after_a_split_are_an_alarm(desk: AlpacaDesk) -> None:
    """Alpaca has split the shares, and does not say so for a while."""
    desk.deploy()
    desk.hold()
    (activity,) = desk.books.split("W", 2, 1)
    desk.books.hidden.add(activity.id)
    desk.step(4)
    assert desk.incidents() == [Incident.Kind.POSITION]  # the stored bars have the scale of the lot
    half = [(opened / 2, high / 2, low / 2, close / 2) for opened, high, low, close in desk.rows]
    store_bars(W=traded(*half))
    desk.step(3)
    assert desk.incidents() == [Incident.Kind.POSITION, Incident.Kind.FAILED_EXIT]
    assert lot(desk)[1:] == (100, 10, 9, 12)
    desk.books.hidden.clear()
    desk.step(2)
    assert lot(desk)[1:3] == (200, 5)
    assert not desk.account.incidents.filter(resolved_at=None).exists()


def test_a_split_waits_until_the_position_has_it(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.hold()
    desk.books.freeze_positions()
    desk.books.split("W", 2, 1)
    desk.tick()
    assert lot(desk)[1] == 100
    desk.books.frozen = None
    desk.tick()
    assert lot(desk)[1:3] == (200, 5)


def test_a_fill_of_before_the_split_is_not_undone_by_the_desk(desk: AlpacaDesk) -> None:
    """What it would leave of the lot nobody knows: the correction stays open, and the difference says so."""
    desk.deploy()
    desk.hold()
    (fill,) = [each for each in desk.books.activities if each.type == "FILL"]
    desk.books.split("W", 2, 1)
    desk.step(2)
    desk.books.bust(fill.id, price="10.02")
    desk.step(2)
    assert lot(desk)[1:3] == (200, 5)
    assert Incident.Kind.UNBOOKED_CORRECTION in desk.incidents()
