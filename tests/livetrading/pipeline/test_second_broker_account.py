"""The account at a second broker: fees that come later, and trades that the desk did not make."""

from decimal import Decimal

import pytest

from livetrading.brokers.protocol import Capabilities
from livetrading.models import AccountActivity
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import REPLACING, SEPARATE, VARIANTS
from tradedesk.accounts.models import User

ALL = [pytest.param(capabilities, id=name) for name, capabilities in VARIANTS.items()]


@pytest.mark.parametrize("capabilities", ALL)
def test_fees_that_come_later_are_booked_to_the_cent(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.signal_exit()
    desk.step(3)
    assert desk.trade().commission == 0
    for amount, kind in [("0.37", "fee"), ("0.02", "fee"), ("-1.25", "dividend")]:
        desk.broker.charge(amount, kind, "W")
    desk.step(4)
    desk.wait(20)
    desk.step()
    booked = AccountActivity.objects.filter(account=desk.account).order_by("pk")
    assert list(booked.values_list("kind", "amount")) == [
        ("fee", Decimal("-0.37")),
        ("fee", Decimal("-0.02")),
        ("dividend", Decimal("1.25")),
    ]
    desk.account.refresh_from_db()
    assert desk.account.booked_cash == desk.account.cash == desk.broker.cash == Decimal("9995.86")
    assert desk.incidents() == []


def outside_sale(desk: SecondDesk) -> None:
    """The owner cancels the protection at the broker and sells 60 of the 100 shares there."""
    for order in desk.broker.orders.values():
        if order.is_open:
            order.state = "cancelled"
    desk.broker.trade_outside("W", -60, 10)


@pytest.mark.parametrize("capabilities", ALL)
def test_shares_that_the_owner_has_sold_are_reported_and_not_adopted(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    outside_sale(desk)
    desk.step()
    assert desk.incidents() == []
    desk.step()
    assert desk.incidents() == []
    desk.step()
    assert sorted(desk.incidents()) == ["cash", "position"]
    sent = len(desk.broker.received)
    desk.step(5)
    assert sorted(desk.incidents()) == ["cash", "position"]
    # The lot keeps its 100 shares in the books. The broker refuses exits for them once, and the desk guards them.
    assert desk.trade().open_quantity == 100
    assert {desk.order("stop_loss").state, desk.order("take_profit").state} == {"guarded"}
    assert len(desk.broker.received) == sent


def test_differences_that_are_gone_close_their_incidents(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.hold()
    desk.broker.trade_outside("W", 20, 10)
    desk.broker.trade_outside("OTHER", 5, 7)
    desk.step(4)
    opened = desk.account.incidents.filter(resolved_at=None)
    assert sorted(opened.values_list("kind", "key")) == [("cash", ""), ("position", "OTHER"), ("position", "W")]
    desk.broker.trade_outside("W", -20, 10)
    desk.broker.trade_outside("OTHER", -5, 7)
    desk.step()
    assert opened.count() == 0


def test_trading_goes_on_beside_shares_from_outside(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The desk sells its own 100 shares and no more."""
    desk = second_desk(monkeypatch, alice, REPLACING)
    desk.hold()
    desk.broker.trade_outside("W", 20, 10)
    desk.step(4)
    desk.signal_exit()
    desk.step(3)
    assert (desk.trade().exit_quantity, desk.trade().exit_reason) == (100, "signal")
    assert desk.broker.shares["W"] == 20
    facts = desk.account.incidents.get(kind="position").facts
    assert facts == {"difference": "20", "own": "0", "reported": "20"}


def test_a_blocked_account_protects_what_it_holds_and_buys_nothing(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.hold()
    desk.broker.blocked = "Funds are missing."
    desk.signal_exit()
    desk.step(3)
    assert desk.trade().exit_reason == "signal"
    desk.close_bar(11.5)
    desk.close_bar(12)
    desk.tick()
    assert desk.outbox == []
    assert desk.states("entry") == ["filled"]
    assert desk.live.signals.filter(side="buy").first().reason.endswith("Funds are missing.")  # type: ignore[union-attr]
