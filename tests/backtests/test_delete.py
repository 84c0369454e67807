"""Deleting backtests: what is deleted, what stays, and the pages."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from backtests.models import Backtest, BacktestCurve, BacktestTrade, Evidence, TrialRegistry
from backtests.services import delete_backtest, run_backtest
from strategies.models import Strategy
from strategies.services import delete_strategy
from tests.backtests.pages import LIST, text_of, url_of
from tests.backtests.runs import NOW, Clock, Make
from tests.livetrading.factories import make_live_strategy
from tradedesk.accounts.models import User, UserVersion

SEVERAL = "/dashboard/backtests/delete"
Status = Backtest.Status


def remaining() -> tuple[int, int, int, int]:
    return tuple(  # type: ignore[return-value]
        model.objects.count() for model in (Backtest, BacktestTrade, BacktestCurve, Evidence)
    )


def levels_of(response: Any) -> list[str]:
    """The levels of the messages on a page."""
    return [message.level_tag for message in response.context["messages"]]


def test_its_result_is_deleted_with_it(completed: Backtest) -> None:
    Evidence.objects.get_or_create(backtest=completed, defaults={"computed_at": NOW})
    delete_backtest(completed)
    assert remaining() == (0, 0, 0, 0)


def test_the_trial_registry_still_counts_it(completed: Backtest, alice: User) -> None:
    key = {"user": alice, "symbol": "AAPL", "timeframe": "1Day", "start_date": completed.start_date}
    before = TrialRegistry.objects.filter(**key).values().get()
    assert before["trials"] == 1
    delete_backtest(completed)
    assert TrialRegistry.objects.filter(**key).values().get() == before


def test_a_deployment_from_it_continues(completed: Backtest, alice: User) -> None:
    live = make_live_strategy(user=alice, backtest=completed, status="active")
    delete_backtest(completed)
    live.refresh_from_db()
    assert (live.backtest_id, live.status) == (None, "active")


def test_the_pages_of_the_user_refresh(completed: Backtest, alice: User) -> None:
    before = UserVersion.objects.get(user=alice).number
    delete_backtest(completed)
    assert UserVersion.objects.get(user=alice).number == before + 1


def test_deleting_it_twice_is_no_error(completed: Backtest) -> None:
    twin = Backtest.objects.get(pk=completed.pk)
    delete_backtest(completed)
    delete_backtest(twin)
    assert remaining() == (0, 0, 0, 0)


@pytest.mark.parametrize("reading", range(1, 7))
def test_a_running_backtest_that_is_deleted_leaves_nothing(make: Make, clock: Clock, reading: int) -> None:
    """Before each of its writes: a stage, the result."""
    backtest, readings = make(), iter(range(100))

    def read() -> Any:
        if next(readings) == reading:
            delete_backtest(backtest)
        return clock()

    run_backtest(backtest.pk, read)
    assert next(readings) > reading
    assert remaining() == (0, 0, 0, 0)
    assert not TrialRegistry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_deletion_waits_for_a_result_that_is_being_stored(make: Make, clock: Clock) -> None:
    """The deletion starts between the inserts of the result."""
    backtest = make()
    stored, done = threading.Event(), threading.Event()

    def delete() -> None:
        stored.wait(20)
        delete_backtest(backtest)
        connection.close()
        done.set()

    deleting = threading.Thread(target=delete)
    deleting.start()
    create = BacktestTrade.objects.bulk_create

    with pytest.MonkeyPatch.context() as patch:

        def bulk_create(*args: Any, **options: Any) -> Any:
            rows = create(*args, **options)
            stored.set()
            # This transaction has locked the row, so the deletion must wait.
            assert not done.wait(0.3)
            return rows

        patch.setattr(BacktestTrade.objects, "bulk_create", bulk_create)
        run_backtest(backtest.pk, clock)
    deleting.join(20)
    assert done.is_set()
    assert remaining()[:3] == (0, 0, 0)


# --- The page ------------------------------------------------------------------------------------------------


def test_the_deletion_is_confirmed_and_then_done(completed: Backtest, alices_browser: Client) -> None:
    url = url_of(completed, "delete")
    assert f'href="{url}"' in alices_browser.get(url_of(completed)).content.decode()
    page = alices_browser.get(url)
    assert page.context["backtests"] == [completed]
    assert "Golden cross AAPL, MSFT 2005-01-03 to 2010-12-31 Completed" in text_of(page)
    assert Backtest.objects.exists()
    response = alices_browser.post(url, follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    assert levels_of(response) == ["success"]
    assert str(completed) in text_of(response)
    assert not Backtest.objects.exists()


def test_the_confirmation_names_active_deployments(
    completed: Backtest, alice: User, alices_browser: Client
) -> None:
    make_live_strategy(user=alice, backtest=completed, name="Live - Turtle", status="paused")
    make_live_strategy(user=alice, backtest=completed, name="Live - Ended", status="stopped")
    text = text_of(alices_browser.get(url_of(completed, "delete")))
    assert "Live - Turtle" in text
    assert "Live - Ended" not in text


def test_a_queued_backtest_can_be_deleted_from_its_page(make: Make, alices_browser: Client) -> None:
    backtest = make()
    url = url_of(backtest, "delete")
    assert f'href="{url}"' in alices_browser.get(url_of(backtest)).content.decode()
    alices_browser.post(url)
    assert not Backtest.objects.exists()


def test_several_are_deleted_together(make: Make, alices_browser: Client) -> None:
    one, two, kept = make(), make(), make()
    url = f"{SEVERAL}?ids={one.pk}&ids={two.pk}"
    assert set(alices_browser.get(url).context["backtests"]) == {one, two}
    assert Backtest.objects.count() == 3
    assert levels_of(alices_browser.post(url, follow=True)) == ["success"]
    assert Backtest.objects.get() == kept


@pytest.mark.parametrize(
    ("ids", "named"),
    [("", ""), ("x", "“x”"), ("999999", "999999"), ("9" * 40, "")],
)
def test_an_invalid_selection_deletes_nothing(make: Make, alices_browser: Client, ids: str, named: str) -> None:
    make()
    for method in (alices_browser.get, alices_browser.post):
        response = method(f"{SEVERAL}?ids={ids}", follow=True)
        assert levels_of(response) == ["warning" if ids else "info"]
        assert named in text_of(response)
    assert Backtest.objects.count() == 1


def test_bob_cannot_delete_backtests_of_alice(make: Make, bobs_browser: Client, charlies_browser: Client) -> None:
    backtest = make()
    assert bobs_browser.post(url_of(backtest, "delete")).status_code == 404
    response = bobs_browser.post(f"{SEVERAL}?ids={backtest.pk}", follow=True)
    assert levels_of(response) == ["warning"]
    charlies_browser.post(url_of(backtest, "delete"))
    charlies_browser.post(f"{SEVERAL}?ids={backtest.pk}")
    assert Backtest.objects.exists()


def test_a_deletion_needs_the_csrf_token(make: Make, alices_browser: Client) -> None:
    backtest, strict = make(), Client(enforce_csrf_checks=True)
    strict.cookies = alices_browser.cookies
    for url in (url_of(backtest, "delete"), f"{SEVERAL}?ids={backtest.pk}"):
        assert strict.post(url).status_code == 403
    assert Backtest.objects.exists()


# --- Its user or strategy is deleted first
# -----------------------------------------------------------------------------


def test_a_running_backtest_is_deleted_with_its_user(make: Make, clock: Clock, alice: User) -> None:
    backtest, readings = make(), iter(range(100))

    def read() -> Any:
        if next(readings) == 3:
            User.objects.get(pk=alice.pk).delete()
        return clock()

    run_backtest(backtest.pk, read)
    assert remaining() == (0, 0, 0, 0)
    assert not TrialRegistry.objects.exists()


def test_a_running_backtest_completes_after_its_strategy_is_deleted(
    make: Make, clock: Clock, strategy: Strategy, alices_browser: Client
) -> None:
    backtest, readings = make(), iter(range(100))

    def read() -> Any:
        if next(readings) == 3:
            delete_strategy(strategy)
        return clock()

    run_backtest(backtest.pk, read)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.strategy_id) == (Status.COMPLETED, None)
    assert "Golden cross" in text_of(alices_browser.get(url_of(backtest)))
    assert "Golden cross" in text_of(alices_browser.get(LIST))
