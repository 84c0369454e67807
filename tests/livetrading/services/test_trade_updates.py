"""Which accounts have a stream of order updates, and what a message does."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from livetrading.models import BrokerAccount, LiveStrategy, OrderState, TradeStream
from livetrading.services.trade_updates import OLD, connection_problems, find_accounts, nudge, store_states
from livetrading.summaries.broker_health import broker_findings
from tests.livetrading.factories import NOW, WALL, account_of, make_live_strategy, make_order, make_paper_trade
from tests.livetrading.published import published
from tradedesk.accounts.models import User
from tradedesk.monitoring.findings import State

SECOND = timedelta(seconds=1)


@pytest.fixture
def account(alice: User) -> BrokerAccount:
    """Verified, at a broker with a stream, and with nothing to trade."""
    return BrokerAccount.objects.create(
        user=alice, broker="alpaca", mode="live", name="Alpaca", credentials="stored", verified_at=WALL
    )


def followed() -> list[int]:
    return [account.pk for account in find_accounts()]


def trading(account: BrokerAccount) -> BrokerAccount:
    make_live_strategy(user=account.user, account=account)
    return account


def test_an_account_without_anything_to_trade_needs_none(account: BrokerAccount) -> None:
    make_live_strategy(user=account.user, account=account, status=LiveStrategy.Status.STOPPED)
    make_order(user=account.user, account=account, state=OrderState.FILLED)
    assert followed() == []


def test_strategies_orders_and_lots_need_one(account: BrokerAccount, alice: User, bob: User) -> None:
    make_live_strategy(user=alice, account=account, status=LiveStrategy.Status.PAUSED)
    fields = {"broker": "alpaca", "mode": "paper", "credentials": "stored", "verified_at": WALL, "active": False}
    working, holding = (BrokerAccount.objects.create(user=user, name="Alpaca", **fields) for user in (alice, bob))
    make_order(user=alice, account=working, state=OrderState.ACCEPTED)
    make_paper_trade(user=bob, live_strategy=make_live_strategy(user=bob), account=holding)
    assert followed() == [account.pk, working.pk, holding.pk]


@pytest.mark.parametrize(
    "changes",
    [
        {"verified_at": None},
        {"revoked_at": WALL, "active": False, "credentials": ""},
        {"broker": "other"},
        {"credentials": ""},
    ],
)
def test_an_account_that_is_not_connected_has_none(account: BrokerAccount, changes: dict[str, Any]) -> None:
    trading(account)
    assert followed() == [account.pk]
    BrokerAccount.objects.filter(pk=account.pk).update(**changes)
    assert followed() == []


def test_the_replay_has_none(account: BrokerAccount, settings: Settings) -> None:
    trading(account)
    settings.TRADES_AT_BROKERS = False
    assert followed() == []
    assert {found.state for found in broker_findings(WALL).values()} == {State.OK}


def test_a_message_is_noted_and_the_accounts_that_are_due_are_looked_for(
    account: BrokerAccount, bob: User
) -> None:
    trading(account)
    other = make_live_strategy(user=bob).account
    assert followed() == [account.pk]
    with published() as tasks:
        assert nudge([account.pk, other.pk], NOW) == 1
    assert tasks == [("dispatch_due_accounts", [])]
    assert list(TradeStream.objects.values_list("account", "nudged_at")) == [(account.pk, NOW)]


def test_a_revoked_account_is_not_nudged(account: BrokerAccount) -> None:
    trading(account)
    followed()
    BrokerAccount.objects.filter(pk=account.pk).update(revoked_at=WALL, active=False, credentials="")
    with published() as tasks:
        assert nudge([account.pk], NOW) == 0
    assert tasks == []


def test_the_health_counts_the_connections_and_is_never_ill_of_them(account: BrokerAccount, bob: User) -> None:
    def health(at: timedelta = timedelta(0)) -> tuple[State, str, tuple[str, ...]]:
        found = broker_findings(WALL + at)["trade_updates"]
        return found.state, found.text, found.lines

    account_of(bob)
    assert health()[0] == State.OK
    trading(account)
    assert health()[0] == State.NOTE  # nobody listens
    assert followed() == [account.pk]
    store_states({account.pk: ""}, WALL)
    assert health() == (State.OK, "1 of 1 streams connected.", ())
    assert health(OLD + SECOND)[0] == State.NOTE  # the process that listened has ended
    store_states({account.pk: "It was closed."}, WALL)
    state, text, lines = health()
    assert (state, text[:27]) == (State.NOTE, "0 of 1 streams connected. O")
    assert [line.endswith("It was closed.") for line in lines] == [True]
    assert connection_problems(WALL) == {account: "It was closed."}
