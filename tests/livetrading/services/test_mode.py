"""The switch between paper and live mode: who may, what it changes, and what it leaves alone."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from livetrading.models import BrokerAccount
from livetrading.services.mode import (
    NoLiveKeys,
    NoSecondFactor,
    NotConfirmed,
    NotSwitched,
    check_acknowledgement,
    end_all_live_without_second_factor,
    switch_mode,
)
from tests.conftest import PASSWORD
from tests.livetrading.factories import NOW, TODAY, WALL, account_of, at_day, make_live_strategy, make_order
from tradedesk.accounts.models import Mode, User, UserVersion
from tradedesk.audit.models import AuditRecord
from tradedesk.notifications.events import Event

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def _without_second_factor(settings: Settings) -> None:
    settings.LIVE_NEEDS_SECOND_FACTOR = False


def verified(user: User) -> BrokerAccount:
    """The user's live account, whose keys have passed their test."""
    account = account_of(user, Mode.LIVE)
    BrokerAccount.objects.filter(pk=account.pk).update(verified_at=WALL)
    return account


def to(user: User, mode: str, **how: Any) -> bool:
    given: dict[str, Any] = {"confirmed": True, "now": NOW, "wall_now": WALL, **how}
    return switch_mode(user, mode, **given)


def test_to_live_and_back(alice: User) -> None:
    verified(alice)
    make_live_strategy(user=alice, mode=Mode.LIVE)
    versions = []
    for mode, again in ((Mode.LIVE, False), (Mode.PAPER, True)):
        versions.append(UserVersion.objects.filter(user=alice).values_list("number", flat=True).first() or 0)
        assert to(alice, mode)
        stored = User.objects.get(pk=alice.pk)
        assert (stored.mode, stored.mode_changed_at, stored.first_live_at) == (mode, WALL, WALL)
        assert (alice.mode, alice.mode_changed_at) == (mode, WALL)
        last = AuditRecord.objects.latest("sequence")
        other = Mode.PAPER if mode == Mode.LIVE else Mode.LIVE
        assert (last.action, last.actor, last.details) == (
            f"mode_{mode}",
            "alice@example.com",
            {"before": other, "after": mode},
        )
        assert alice.notifications.filter(event=Event.MODE).count() == 1 + again
    versions.append(UserVersion.objects.get(user=alice).number)
    assert versions == sorted(set(versions)), "open pages were not told"


def test_back_to_paper_says_what_stays_at_the_broker(alice: User, bob: User) -> None:
    verified(alice)
    to(alice, "live")
    for owner, state in ((alice, "accepted"), (alice, "pending"), (alice, "filled"), (bob, "accepted")):
        make_order(user=owner, mode=Mode.LIVE, state=state)
    to(alice, "paper")
    assert "1 live entry order at the broker may still fill" in alice.notifications.latest("pk").text


def test_a_second_press_changes_nothing(alice: User) -> None:
    verified(alice)
    assert (to(alice, "live"), to(alice, "live"), to(alice, "paper"), to(alice, "paper")) == (True, False) * 2
    assert AuditRecord.objects.filter(action__startswith="mode_").count() == 2
    assert alice.notifications.count() == 2


def test_the_time_of_the_first_switch_stays(alice: User) -> None:
    verified(alice)
    for mode in ("live", "paper"):
        to(alice, mode)
    to(alice, "live", wall_now=NOW)
    assert (alice.first_live_at, alice.mode_changed_at) == (WALL, NOW)


def test_a_row_that_was_switched_meanwhile_is_not_switched_again(alice: User) -> None:
    """The UPDATE decides, not what this request has read."""
    verified(alice)
    stale = User.objects.get(pk=alice.pk)
    to(alice, "live")
    assert not to(stale, "live")
    assert (stale.mode, AuditRecord.objects.filter(action="mode_live").count()) == ("live", 1)


def test_one_users_switch_leaves_the_other_alone(alice: User, bob: User) -> None:
    verified(alice)
    to(alice, "live")
    bob.refresh_from_db()
    assert (bob.mode, bob.mode_changed_at, bob.notifications.count()) == ("paper", None, 0)
    with pytest.raises(NoLiveKeys):
        to(bob, "live")


def untested(user: User) -> None:
    account_of(user, Mode.LIVE)
    BrokerAccount.objects.update(verified_at=None)


def revoked(user: User) -> None:
    BrokerAccount.objects.filter(pk=verified(user).pk).update(revoked_at=WALL, active=False)


def on_paper_alone(user: User) -> None:
    account_of(user)
    BrokerAccount.objects.update(verified_at=WALL)


@pytest.mark.parametrize("prepare", [untested, revoked, on_paper_alone, lambda user: None])
def test_live_needs_verified_keys(alice: User, prepare: Any) -> None:
    prepare(alice)
    with pytest.raises(NoLiveKeys):
        to(alice, "live")
    alice.refresh_from_db()
    assert (alice.mode, alice.mode_changed_at, AuditRecord.objects.count()) == ("paper", None, 0)


def test_live_needs_a_confirmation_and_paper_none(alice: User) -> None:
    verified(alice)
    with pytest.raises(NotConfirmed):
        to(alice, "live", confirmed=False)
    to(alice, "live")
    assert to(alice, "paper", confirmed=False)


def test_live_needs_the_second_factor_where_the_desk_demands_it(alice: User, settings: Settings) -> None:
    settings.LIVE_NEEDS_SECOND_FACTOR = True
    verified(alice)
    with pytest.raises(NoSecondFactor):
        to(alice, "live")
    TOTP.activate(alice, SECRET)
    assert to(alice, "live")


@pytest.mark.parametrize(("demanded", "mode"), [(True, "paper"), (False, "live")])
def test_who_gives_up_the_second_factor_goes_back_to_paper(
    alice: User,
    settings: Settings,
    django_capture_on_commit_callbacks: Any,
    demanded: bool,
    mode: str,
) -> None:
    verified(alice)
    TOTP.activate(alice, SECRET)
    to(alice, "live")
    settings.LIVE_NEEDS_SECOND_FACTOR = demanded
    browser = Client()
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    with django_capture_on_commit_callbacks(execute=True):
        browser.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.filter(user=alice).exists()
    alice.refresh_from_db()
    assert alice.mode == mode
    if demanded:
        assert AuditRecord.objects.get(action="mode_paper").actor == "the desk"


def test_whose_second_factor_is_deleted_in_the_admin_goes_back_to_paper(
    alice: User, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    verified(alice)
    TOTP.activate(alice, SECRET)
    settings.LIVE_NEEDS_SECOND_FACTOR = True
    to(alice, "live")
    staff = User.objects.create_superuser("operator@example.com", "x")
    operator = Client()
    operator.force_login(staff, backend="allauth.account.auth_backends.AuthenticationBackend")
    factor = Authenticator.objects.get(user=alice)
    with django_capture_on_commit_callbacks(execute=True):
        operator.post(reverse("admin:mfa_authenticator_delete", args=[factor.pk]), {"post": "yes"})
    assert not Authenticator.objects.filter(user=alice).exists()
    alice.refresh_from_db()
    assert alice.mode == "paper"
    assert AuditRecord.objects.get(action="mode_paper").actor == "the desk"
    with django_capture_on_commit_callbacks(execute=True):
        TOTP.activate(dora := User.objects.create_user("dora@example.com", "x"), SECRET)
        dora.delete()


def test_a_desk_that_demands_it_from_now_on_starts_without_live_users(
    alice: User, bob: User, settings: Settings
) -> None:
    at_day(TODAY)
    for user in (alice, bob):
        verified(user)
        to(user, "live")
    TOTP.activate(bob, SECRET)
    assert end_all_live_without_second_factor(WALL) == 0
    settings.LIVE_NEEDS_SECOND_FACTOR = True
    assert end_all_live_without_second_factor(WALL) == 1
    assert list(User.objects.order_by("email").values_list("mode", flat=True)) == ["paper", "live"]


def test_who_may_is_looked_at_under_the_lock_of_the_user(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a second factor given up between the check and the switch leaves the user in live mode."""
    verified(alice)
    depths = []
    monkeypatch.setattr(
        "livetrading.services.mode.problem_with_live",
        lambda user: depths.append(len(connection.savepoint_ids)),
    )
    outside = len(connection.savepoint_ids)
    to(alice, "live")
    assert depths == [outside + 1]


@pytest.mark.parametrize(
    ("understood", "word", "passes"),
    [
        (True, "LIVE", True),
        (True, " LIVE ", True),
        (True, "live", False),
        (True, "", False),
        (False, "LIVE", False),
    ],
)
def test_the_first_time_the_word_is_typed(understood: bool, word: str, passes: bool) -> None:
    """Without a database: the second time, the box is enough."""
    first, second = User(), User(first_live_at=WALL)
    if passes:
        check_acknowledgement(first, understood=understood, word=word)
    else:
        with pytest.raises(NotSwitched):
            check_acknowledgement(first, understood=understood, word=word)
    if understood:
        check_acknowledgement(second, understood=True, word="")
