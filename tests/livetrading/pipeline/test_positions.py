"""What follows the lots: positions, the account's cash, the strategy's profit and the protective exits."""

from decimal import Decimal

from livetrading.models import Order, PaperPosition
from tests.livetrading.factories import account_of, make_live_strategy
from tests.livetrading.made_bars import TIMES
from tests.livetrading.pipeline.scripted_broker import leg_of
from tests.livetrading.pipeline.test_lots import book_fill, entry_of, exit_of, fill
from tradedesk.accounts.models import User

# --- Positions -------------------------------------------------------------------------------------------------


def test_a_position_is_the_sum_of_the_lots_of_two_strategies(alice: User) -> None:
    first, second = (entry_of(alice) for _ in range(2))
    book_fill(first, fill(30, 10))
    book_fill(second, fill(10, 14), day=1)
    position = PaperPosition.objects.get()
    # (30 x 10 + 10 x 14) / 40
    assert (position.quantity, position.average_price, position.updated_at) == (40, 11, TIMES[1])
    # The first strategy sells 20 of its 30: 10 at 10 and 10 at 14 remain.
    book_fill(exit_of(first), fill(20, 12), day=2)
    position.refresh_from_db()
    assert (position.quantity, position.average_price, position.updated_at) == (20, 12, TIMES[2])


def test_a_position_without_shares_is_deleted(alice: User) -> None:
    entry = entry_of(alice)
    book_fill(entry, fill(30, 10))
    assert PaperPosition.objects.count() == 1
    book_fill(exit_of(entry), fill(30, 12))
    assert PaperPosition.objects.count() == 0


def test_the_positions_of_other_users_and_symbols_stay(alice: User, bob: User) -> None:
    mine = entry_of(alice)
    for order in (mine, entry_of(alice, symbol="IBM"), entry_of(bob)):
        book_fill(order, fill(30, 10))
    book_fill(exit_of(mine), fill(30, 12), day=2)
    remaining = PaperPosition.objects.order_by("account__user", "symbol").values_list(
        "account__user", "symbol", "quantity", "updated_at"
    )
    assert list(remaining) == [(alice.pk, "IBM", 30, TIMES[0]), (bob.pk, "AAPL", 30, TIMES[0])]


# --- Totals ----------------------------------------------------------------------------------------------------


def test_cash_and_realized_profit_follow_the_fills(alice: User) -> None:
    live = make_live_strategy(user=alice)
    entry, other = entry_of(alice, live), entry_of(alice)
    account = account_of(alice)
    account.booked_cash = Decimal(5_000)
    account.save()

    def totals() -> tuple[Decimal | None, Decimal]:
        live.refresh_from_db()
        return account_of(alice).booked_cash, live.realized_pnl

    book_fill(entry, fill(100, 10, 2))
    assert totals() == (3_998, -2)
    book_fill(exit_of(entry), fill(30, 12, 1, day=1))
    assert totals() == (4_357, 57)
    book_fill(other, fill(10, 10))
    assert totals() == (4_257, 57)
    # All 150 cost 10 + 50/150 x 3 = 11 on average, so the 30 sold shares have earned 1 each.
    book_fill(entry, fill(50, 13, day=2))
    assert totals() == (3_607, 27)


def test_before_the_first_report_of_the_broker_no_cash_is_booked(alice: User) -> None:
    """The cash of the first report includes the fills before it."""
    account = account_of(alice)
    account.booked_cash = None
    account.save()
    book_fill(entry_of(alice), fill(100, 10))
    assert account_of(alice).booked_cash is None


# --- Protective exits ------------------------------------------------------------------------------------------


def test_the_protective_exits_have_the_prices_and_the_quantity_of_the_lot(alice: User) -> None:
    entry = entry_of(alice, target=0.2)

    def figures_of(purpose: str) -> tuple[Decimal | None, Decimal | None, Decimal]:
        leg = leg_of(entry, purpose)
        return leg.stop_price, leg.limit_price, leg.quantity

    assert (figures_of("stop_loss"), figures_of("take_profit")) == ((None, None, 100), (None, None, 100))
    book_fill(entry, fill(40, 10))
    assert (figures_of("stop_loss"), figures_of("take_profit")) == ((9, None, 40), (None, 12, 40))
    trade = book_fill(entry, fill(60, 11))
    assert (trade.stop_price, trade.target_price) == (Decimal("9.54"), Decimal("12.72"))
    assert figures_of("stop_loss") == (Decimal("9.54"), None, 100)
    assert figures_of("take_profit") == (None, Decimal("12.72"), 100)
    assert leg_of(entry).trigger_price == Decimal("9.54")


def test_a_finished_protective_exit_keeps_its_price(alice: User) -> None:
    entry = entry_of(alice)
    Order.objects.filter(pk=leg_of(entry).pk).update(state="cancelled")
    trade = book_fill(entry, fill(40, 10))
    assert (leg_of(entry).stop_price, trade.stop_price) == (None, 9)
