"""Database constraints: every statement here bypasses the validation of the models."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from livetrading.models import (
    AccountActivity,
    BrokerAccount,
    Fill,
    Incident,
    LivePosition,
    LiveStrategy,
    LiveTrade,
    Order,
    PaperAccount,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    SignalHistory,
)
from tests.livetrading.factories import (
    NOW,
    account_of,
    make_fill,
    make_live_strategy,
    make_live_trade,
    make_order,
    make_paper_trade,
    make_signal,
)
from tradedesk.accounts.models import User

NAN, INFINITY = float("nan"), float("inf")


def refuses(constraint: str, write: Callable[[], Any]) -> None:
    """Asserts that this constraint of the database refuses the write."""
    with pytest.raises(IntegrityError, match=f'"{constraint}"'), transaction.atomic():
        write()


def copy_of(row: models.Model, **changes: Any) -> models.Model:
    fields = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if not f.primary_key}
    return type(row)(**(fields | changes))


def write_again(row: models.Model, **changes: Any) -> Callable[[], Any]:
    """Returns a function that writes the row a second time."""
    return lambda: type(row)._default_manager.bulk_create([copy_of(row, **changes)])


# --- Accounts --------------------------------------------------------------------------------------------------


def test_a_user_has_one_active_account_for_each_mode(alice: User, bob: User) -> None:
    account = account_of(alice)
    live = {"mode": "live", "broker": "other"}
    name = "broker_account_one_active_for_each_mode"
    refuses(name, write_again(account))
    write_again(account, active=False)()
    write_again(account, **live)()
    write_again(account, user_id=bob.pk)()
    refuses(name, write_again(account, **live))
    refuses(name, lambda: BrokerAccount.objects.filter(active=False).update(active=True))


def test_the_simulation_is_paper_and_has_no_credentials(alice: User) -> None:
    account = account_of(alice)
    for changes in ({"mode": "live"}, {"credentials": "a key"}):
        refuses("broker_account_simulation_is_paper", write_again(account, active=False, **changes))
    write_again(account, active=False, broker="other", mode="live", credentials="a key")()


def test_an_activity_is_unique_for_each_account(alice: User, bob: User) -> None:
    activity = AccountActivity.objects.create(account=account_of(alice), activity_id="1", kind="fee", time=NOW)
    refuses("account_activity_unique", write_again(activity, kind="dividend", amount=Decimal(5)))
    write_again(activity, account_id=account_of(bob).pk)()
    write_again(activity, activity_id="2")()


def test_only_one_incident_of_a_kind_and_key_is_open(alice: User, bob: User) -> None:
    incident = Incident.objects.create(account=account_of(alice), kind="position", key="AAPL", first_seen_at=NOW)
    refuses("incident_unique_while_open", write_again(incident, text="Another text"))
    write_again(incident, resolved_at=NOW)()
    write_again(incident, resolved_at=NOW)()
    write_again(incident, key="IBM")()
    write_again(incident, kind="unbooked_fill")()
    write_again(incident, account_id=account_of(bob).pk)()
    refuses("incident_unique_while_open", lambda: Incident.objects.filter(key="AAPL").update(resolved_at=None))


# --- Live strategies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("check_interval", [60, 3600], [0, 59, 3601]),
        ("size_fraction", [0.05, 1.0], [0.0, 0.049, 1.01, -0.25, NAN, INFINITY]),
        ("max_positions", [1, 20], [0, 21]),
        ("position_size_pct", [0.001, 0.5], [0.0, 0.00099, 0.501, -0.02, NAN, INFINITY]),
        ("stop_loss_pct", [0.001, 0.99], [0.0, 0.00099, 1.0, -0.1, NAN, INFINITY]),
        ("take_profit_pct", [None, 0.001, 100.0], [0.0, 0.00099, 100.1, -0.1, NAN, INFINITY]),
        ("signal_threshold", [0.0, 1.0], [-0.01, 1.01, NAN]),
        ("max_drawdown_pct", [None, 0.001, 0.99], [0.0, 0.00099, 1.0, NAN]),
        ("cooldown_bars", [None, 1, 1000], [0, 1001]),
    ],
)
def test_the_bounds_of_a_live_strategy(alice: User, field: str, inside: list[Any], outside: list[Any]) -> None:
    make_live_strategy(user=alice)
    for value in inside:
        LiveStrategy.objects.update(**{field: value})
        assert LiveStrategy.objects.values_list(field, flat=True).get() == value
    for value in outside:
        refuses(f"live_strategy_{field}_bounds", partial(LiveStrategy.objects.update, **{field: value}))


def test_a_deploy_key_is_unique_for_each_user(alice: User, bob: User) -> None:
    live = make_live_strategy(user=alice)
    refuses("live_strategy_unique_deploy_key", write_again(live, fingerprint="another"))
    write_again(live, fingerprint="another", user_id=bob.pk)()
    assert LiveStrategy.objects.count() == 2


def test_only_one_of_identical_deployments_is_active(alice: User, bob: User) -> None:
    live = make_live_strategy(user=alice)
    name = "live_strategy_unique_active_fingerprint"
    refuses(name, write_again(live, deploy_key="2"))
    write_again(live, deploy_key="3", status="paused")()
    write_again(live, deploy_key="4", status="stopped")()
    write_again(live, deploy_key="5", account_id=account_of(alice, "live").pk)()
    write_again(live, deploy_key="6", user_id=bob.pk, account_id=account_of(bob).pk)()
    refuses(name, lambda: LiveStrategy.objects.filter(deploy_key="3").update(status="active"))


# --- Signals, orders and fills ---------------------------------------------------------------------------------


def test_a_signal_is_unique_for_its_bar_and_side(alice: User) -> None:
    signal = make_signal(live_strategy=make_live_strategy(user=alice))
    refuses("signal_unique_per_bar", write_again(signal, strength=0.1, outcome="ordered"))
    write_again(signal, side="sell")()
    write_again(signal, symbol="IBM")()
    write_again(signal, bar_time=signal.bar_time + timedelta(days=1))()
    write_again(signal, live_strategy_id=make_live_strategy(user=alice).pk)()
    assert SignalHistory.objects.count() == 5


def test_a_signal_has_one_order(alice: User) -> None:
    live = make_live_strategy(user=alice)
    order = make_order(user=alice, live_strategy=live, signal=make_signal(live_strategy=live))
    refuses("livetrading_order_signal_id_key", write_again(order, client_order_id="desk-2"))


def test_a_client_order_id_is_unique(alice: User, bob: User) -> None:
    order = make_order(user=alice)
    refuses("livetrading_order_client_order_id_key", write_again(order, user_id=bob.pk))


def test_the_quantity_of_an_order_is_positive(alice: User) -> None:
    order = make_order(user=alice)
    refuses("order_quantity_positive", lambda: Order.objects.update(quantity=0))
    refuses("order_quantity_positive", write_again(order, client_order_id="desk-2", quantity=Decimal(0)))


@pytest.mark.parametrize("filled", ["10.000001001", "11", "-0.000000001"])
def test_an_order_is_never_overfilled(alice: User, filled: str) -> None:
    make_order(user=alice)
    refuses("order_filled_within_quantity", lambda: Order.objects.update(filled_quantity=Decimal(filled)))
    Order.objects.update(filled_quantity=Decimal(10))
    refuses("order_filled_within_quantity", lambda: Order.objects.update(quantity=Decimal("9.999998999")))


def test_a_residue_below_dust_is_no_overfill(alice: User) -> None:
    order = make_order(user=alice)
    Order.objects.update(filled_quantity=Decimal("10.000001"))
    order.refresh_from_db()
    assert order.open_quantity == Decimal("-0.000001")


def test_the_activity_id_of_a_fill_is_unique_for_each_account(alice: User, bob: User) -> None:
    fill = make_fill(order=make_order(user=alice))
    refuses("fill_unique_activity", write_again(fill, quantity=1, order_id=make_order(user=alice).pk))
    write_again(fill, account_id=account_of(alice, "live").pk)()
    write_again(fill, account_id=account_of(bob).pk)()
    assert Fill.objects.count() == 3


@pytest.mark.parametrize("field", ["quantity", "price"])
@pytest.mark.parametrize("value", [0, -1])
def test_quantity_and_price_of_a_fill_are_positive(alice: User, field: str, value: int) -> None:
    make_fill(order=make_order(user=alice))
    refuses("fill_positive", lambda: Fill.objects.update(**{field: value}))


# --- Trades and positions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "make", "name"),
    [
        (PaperTrade, make_paper_trade, "papertrade_exit_within_quantity"),
        (LiveTrade, make_live_trade, "livetrade_exit_within_quantity"),
    ],
)
def test_a_trade_never_sells_more_than_it_bought(alice: User, model: Any, make: Any, name: str) -> None:
    make(user=alice)
    model.objects.update(exit_quantity=10)
    for changes in (
        {"exit_quantity": Decimal("10.000001001")},
        {"exit_quantity": -1},
        {"quantity": 9},
        {"quantity": 0},
    ):
        refuses(name, partial(model.objects.update, **changes))
    model.objects.update(exit_quantity=Decimal("10.000001"))  # dust


def test_an_entry_opens_only_one_trade(alice: User) -> None:
    refuses("livetrading_papertrade_opening_order_id_key", write_again(make_paper_trade(user=alice)))
    refuses("livetrading_livetrade_opening_order_id_key", write_again(make_live_trade(user=alice)))


def test_the_entry_order_of_a_trade_cannot_be_deleted(alice: User) -> None:
    trade = make_paper_trade(user=alice)
    with pytest.raises(models.ProtectedError):
        trade.opening_order.delete()


@pytest.mark.parametrize(("model", "prefix"), [(PaperPosition, "paperposition"), (LivePosition, "liveposition")])
def test_positions_are_unique_for_each_symbol_and_positive(
    alice: User, bob: User, model: Any, prefix: str
) -> None:
    account = account_of(alice)
    held = model.objects.create(account=account, symbol="AAPL", quantity=1, average_price=10, updated_at=NOW)
    refuses(f"{prefix}_unique_symbol", write_again(held))
    refuses(f"{prefix}_positive", write_again(held, symbol="IBM", quantity=0))
    refuses(f"{prefix}_positive", lambda: model.objects.update(quantity=-1))
    write_again(held, account_id=account_of(bob).pk)()
    assert model.objects.count() == 2


# --- The records of the simulated broker -----------------------------------------------------------------------


@pytest.fixture
def paper_order(alice: User) -> PaperOrder:
    return PaperOrder.objects.create(
        account=account_of(alice).paper_account,
        client_order_id="a",
        symbol="AAPL",
        timeframe="1Day",
        side="buy",
        quantity=10,
        accepted_at=NOW,
    )


def paper_fill(order: PaperOrder) -> PaperFill:
    return PaperFill.objects.create(
        account=order.account,
        order=order,
        bar_time=NOW,
        quantity=10,
        price=5,
        commission=0,
        cash_change=-50,
        cash_after=50,
    )


def test_a_simulated_account_has_one_set_of_books_with_a_positive_starting_cash(paper_order: PaperOrder) -> None:
    refuses("livetrading_paperaccount_broker_account_id_key", write_again(paper_order.account))
    for amount in (0, -1):
        write = partial(PaperAccount.objects.update, starting_cash=amount)
        refuses("paper_starting_cash_positive", write)


def test_a_client_order_id_is_unique_at_the_simulated_broker(paper_order: PaperOrder) -> None:
    refuses("livetrading_paperorder_client_order_id_key", write_again(paper_order))


def test_a_paper_order_has_one_fill_for_each_bar(paper_order: PaperOrder) -> None:
    fill = paper_fill(paper_order)
    refuses("paper_fill_unique_per_bar", write_again(fill, quantity=1))
    write_again(fill, bar_time=NOW + timedelta(days=1))()


@pytest.mark.parametrize("field", ["quantity", "price"])
@pytest.mark.parametrize("value", [0, -1])
def test_quantity_and_price_of_a_paper_fill_are_positive(paper_order: PaperOrder, field: str, value: int) -> None:
    paper_fill(paper_order)
    refuses("paper_fill_positive", lambda: PaperFill.objects.update(**{field: value}))
