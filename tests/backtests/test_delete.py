"""Deleting backtests: what goes, what stays, and who is asked."""

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


def left() -> tuple[int, int, int, int]:
    return tuple(  # type: ignore[return-value]
        model.objects.count() for model in (Backtest, BacktestTrade, BacktestCurve, Evidence)
    )


def test_all_that_it_found_goes_with_it(completed: Backtest) -> None:
    Evidence.objects.get_or_create(backtest=completed, defaults={"computed_at": NOW})
    delete_backtest(completed)
    assert left() == (0, 0, 0, 0)


def test_the_ledger_goes_on_counting_it(completed: Backtest, alice: User) -> None:
    key = {"user": alice, "symbol": "AAPL", "timeframe": "1Day", "start_date": completed.start_date}
    before = TrialRegistry.objects.filter(**key).values().get()
    assert before["number"] == 1
    delete_backtest(completed)
    assert TrialRegistry.objects.filter(**key).values().get() == before


def test_what_was_deployed_from_it_trades_on(completed: Backtest, alice: User) -> None:
    live = make_live_strategy(user=alice, backtest=completed, status="active")
    delete_backtest(completed)
    live.refresh_from_db()
    assert (live.backtest_id, live.status) == (None, "active")


def test_the_users_pages_are_told(completed: Backtest, alice: User) -> None:
    before = UserVersion.objects.get(user=alice).number
    delete_backtest(completed)
    assert UserVersion.objects.get(user=alice).number == before + 1


def test_deleting_it_twice_is_deleting_it(completed: Backtest) -> None:
    twin = Backtest.objects.get(pk=completed.pk)
    delete_backtest(completed)
    delete_backtest(twin)
    assert left() == (0, 0, 0, 0)


@pytest.mark.parametrize("reading", range(1, 7))
def test_deleted_while_it_runs_it_leaves_nothing(make: Make, clock: Clock, reading: int) -> None:
    """At whichever of its writes: the claim, a stage, the result."""
    backtest, readings = make(), iter(range(100))

    def read() -> Any:
        if next(readings) == reading:
            delete_backtest(backtest)
        return clock()

    run_backtest(backtest.pk, read)
    assert next(readings) > reading
    assert left() == (0, 0, 0, 0)
    assert not TrialRegistry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_result_that_is_being_stored_is_waited_for(make: Make, clock: Clock) -> None:
    """The deletion comes between the result's rows: it waits until they are all there, and takes them along."""
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
            # The row is locked by this transaction: the deletion cannot be through.
            assert not done.wait(0.3)
            return rows

        patch.setattr(BacktestTrade.objects, "bulk_create", bulk_create)
        run_backtest(backtest.pk, clock)
    deleting.join(20)
    assert done.is_set()
    assert left()[:3] == (0, 0, 0)


# --- The page ------------------------------------------------------------------------------------------------


def test_it_is_asked_for_and_then_done(completed: Backtest, alices_browser: Client) -> None:
    url = url_of(completed, "delete")
    assert f'href="{url}"' in alices_browser.get(url_of(completed)).content.decode()
    asked = text_of(alices_browser.get(url))
    assert "Delete this backtest?" in asked
    assert "Golden cross AAPL, MSFT 2005-01-03 to 2010-12-31 Completed" in asked
    assert "The ledger of tries goes on counting it" in asked
    assert Backtest.objects.exists()
    done = alices_browser.post(url, follow=True)
    assert done.redirect_chain == [(LIST, 302)]
    assert f"{completed} is deleted." in text_of(done)
    assert not Backtest.objects.exists()


def test_it_names_what_was_deployed_and_still_trades(
    completed: Backtest, alice: User, alices_browser: Client
) -> None:
    make_live_strategy(user=alice, backtest=completed, name="Live - Turtle", status="paused")
    make_live_strategy(user=alice, backtest=completed, name="Live - Ended", status="stopped")
    asked = text_of(alices_browser.get(url_of(completed, "delete")))
    assert "Live - Turtle was deployed from it: that has its own copy of the rules and goes on." in asked
    assert "Live - Ended" not in asked


def test_a_running_one_can_be_deleted_from_its_page(make: Make, alices_browser: Client) -> None:
    backtest = make()
    url = url_of(backtest, "delete")
    assert f'href="{url}"' in alices_browser.get(url_of(backtest)).content.decode()
    alices_browser.post(url)
    assert not Backtest.objects.exists()


def test_several_are_deleted_at_once(make: Make, alices_browser: Client) -> None:
    one, two, kept = make(), make(), make()
    url = f"{SEVERAL}?ids={one.pk}&ids={two.pk}"
    assert "Delete these 2 backtests?" in text_of(alices_browser.get(url))
    assert Backtest.objects.count() == 3
    assert "2 backtests are deleted." in text_of(alices_browser.post(url, follow=True))
    assert Backtest.objects.get() == kept


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ("", "Select the backtests that are to be deleted."),
        ("x", "Nothing is deleted. “x” is not the number of a backtest."),
        ("999999", "Nothing is deleted. There is no backtest 999999."),
        ("9" * 40, "Nothing is deleted. There is no backtest"),
    ],
)
def test_a_selection_that_is_none_says_so(make: Make, alices_browser: Client, ids: str, words: str) -> None:
    make()
    for method in (alices_browser.get, alices_browser.post):
        assert words in text_of(method(f"{SEVERAL}?ids={ids}", follow=True))
    assert Backtest.objects.count() == 1


def test_bob_deletes_none_of_alices(make: Make, bobs_browser: Client, charlies_browser: Client) -> None:
    backtest = make()
    assert bobs_browser.post(url_of(backtest, "delete")).status_code == 404
    told = text_of(bobs_browser.post(f"{SEVERAL}?ids={backtest.pk}", follow=True))
    assert f"Nothing is deleted. There is no backtest {backtest.pk}." in told
    charlies_browser.post(url_of(backtest, "delete"))
    charlies_browser.post(f"{SEVERAL}?ids={backtest.pk}")
    assert Backtest.objects.exists()


def test_a_deletion_needs_the_forms_token(make: Make, alices_browser: Client) -> None:
    backtest, strict = make(), Client(enforce_csrf_checks=True)
    strict.cookies = alices_browser.cookies
    for url in (url_of(backtest, "delete"), f"{SEVERAL}?ids={backtest.pk}"):
        assert strict.post(url).status_code == 403
    assert Backtest.objects.exists()


# --- What it hangs on goes first -----------------------------------------------------------------------------


def test_a_user_who_is_deleted_meanwhile_takes_the_run_along(make: Make, clock: Clock, alice: User) -> None:
    backtest, readings = make(), iter(range(100))

    def read() -> Any:
        if next(readings) == 3:
            User.objects.get(pk=alice.pk).delete()
        return clock()

    run_backtest(backtest.pk, read)
    assert left() == (0, 0, 0, 0)
    assert not TrialRegistry.objects.exists()


def test_a_strategy_that_is_deleted_meanwhile_is_run_to_the_end(
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
