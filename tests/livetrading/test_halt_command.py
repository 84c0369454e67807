"""manage.py halt_trading."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from livetrading.models import BrokerAccount, Halt, Order
from tests.livetrading.factories import TODAY, WALL, account_of, at_day, make_order, make_paper_trade
from tests.livetrading.published import refuse_publishing
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.services import load_samples

ALICE = "alice@example.com"


@pytest.fixture(autouse=True)
def _market(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    load_samples(WALL)
    at_day(TODAY)
    refuse_publishing(monkeypatch)


def halted(*arguments: str, **options: Any) -> None:
    call_command("halt_trading", *arguments, timeout=0, **options)


def actions() -> list[tuple[str, str, bool]]:
    rows = Halt.objects.order_by("account__user__email", "pk")
    return [(halt.account.user.email[0], halt.action, halt.finished_at is not None) for halt in rows]


@pytest.mark.parametrize(
    ("option", "action"), [([], "entries"), (["--orders"], "orders"), (["--flatten", "--orders"], "flatten")]
)
def test_it_stops_every_account_of_a_user_and_says_how_far_it_is(
    alice: User, bob: User, capsys: pytest.CaptureFixture[str], option: list[str], action: str
) -> None:
    for user in (alice, bob):
        make_order(user=user)
    make_order(user=alice, mode=Mode.LIVE)
    if action == "entries":
        halted("Alice@Example.com", *option, reason="Fire.")
    else:  # the live account has no broker in the tests
        with pytest.raises(CommandError, match="1 account not finished after 0 s"):
            halted(ALICE, *option, reason="Fire.")
    assert actions() == [("a", action, True), ("a", action, action == "entries")]
    assert {(halt.reason, halt.requested_by) for halt in Halt.objects.all()} == {
        ("Fire.", "manage.py halt_trading")
    }
    said = capsys.readouterr().out
    assert "alice@example.com · Paper account: entries are stopped" in said
    assert ("1 of 1 entry order cancelled, finished after" in said) == (action != "entries")
    assert set(Order.objects.filter(user=bob).values_list("state", flat=True)) == {"pending"}


def test_it_stops_all_users(alice: User, bob: User) -> None:
    for user in (alice, bob):
        make_order(user=user)
    halted("--all", "--orders")
    assert actions() == [("a", "orders", True), ("b", "orders", True)]
    assert set(Order.objects.values_list("state", flat=True)) == {"cancelled"}


def test_a_revoked_account_is_left_alone(alice: User, bob: User) -> None:
    for user in (alice, bob):
        make_order(user=user)
    BrokerAccount.objects.filter(pk=account_of(bob).pk).update(active=False, revoked_at=WALL)
    halted("--all", "--orders")
    assert actions() == [("a", "orders", True)]


def test_what_is_left_is_an_error_that_says_what_it_waits_for(alice: User) -> None:
    trade = make_paper_trade(user=alice)
    with pytest.raises(CommandError, match="open of the next bar"):
        halted(ALICE, "--flatten")
    order = Order.objects.get(purpose="exit")
    assert (order.state, order.opening_order_id) == ("accepted", trade.opening_order_id)


@pytest.mark.parametrize("typed", ["RESUME", "resume"])
def test_it_lifts_with_the_typed_word(alice: User, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    make_order(user=alice)
    halted(ALICE)
    monkeypatch.setattr("builtins.input", lambda _: typed)
    if typed == "RESUME":
        halted(ALICE, "--lift")
    else:
        with pytest.raises(CommandError, match="RESUME"):
            halted(ALICE, "--lift")
    assert account_of(alice).entries_stopped == (typed != "RESUME")


def test_it_lifts_without_a_question(alice: User, capsys: pytest.CaptureFixture[str]) -> None:
    account_of(alice)
    halted(ALICE)
    for said in ("trades again", "was not stopped"):
        halted(ALICE, "--lift", confirm="RESUME")
        assert said in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["nobody@example.com"], [ALICE, "--all"], ["--all"]])
def test_a_user_is_named_or_all(alice: User, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        halted(*arguments)
    assert not Halt.objects.exists()
