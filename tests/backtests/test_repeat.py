"""Running a backtest again, and whether its result is the same."""

import pytest
from django.test import Client

from backtests import provenance
from backtests.models import Backtest
from backtests.reports.backtest import RepeatOutcome, repeat_outcome
from backtests.services import NothingToCompare, repeat_backtest, run_backtest
from backtests.services.queue import BACKTEST_TASK
from backtests.services.repeat import SNAPSHOT
from strategies.models import Strategy
from tests.backtests.pages import text_of, url_of
from tests.backtests.runs import NOW, Clock, Make, Published
from tradedesk.marketdata.models import BarSeries

Status = Backtest.Status


def repeated(backtest: Backtest, clock: Clock) -> Backtest:
    again = repeat_backtest(backtest, NOW)
    run_backtest(again.pk, clock)
    again.refresh_from_db()
    assert again.status == Status.COMPLETED, again.error
    return again


def outcome_of(backtest: Backtest) -> RepeatOutcome:
    outcome = repeat_outcome(backtest)
    assert outcome
    return outcome


@pytest.mark.django_db(transaction=True)
def test_it_queues_the_same_snapshot_again(completed: Backtest, published: Published) -> None:
    again = repeat_backtest(completed, NOW)
    assert again.pk != completed.pk
    for name in SNAPSHOT:
        assert getattr(again, name) == getattr(completed, name), name
    assert (again.status, again.metrics) == (Status.QUEUED, {})
    assert (again.provenance["data"], again.provenance["result"]) == ({}, None)
    assert published[-1] == (BACKTEST_TASK, (again.pk,))


def test_the_same_code_on_the_same_bars_gives_the_same_result_hash(completed: Backtest, clock: Clock) -> None:
    again = repeated(completed, clock)
    assert again.provenance["result"] == completed.provenance["result"]
    assert again.repeats == {"backtest": completed.pk, "result": completed.provenance["result"]}
    assert outcome_of(again).is_same


def test_it_runs_from_the_snapshot_after_the_strategy_is_deleted(
    completed: Backtest, strategy: Strategy, clock: Clock
) -> None:
    strategy.delete()
    completed.refresh_from_db()
    assert outcome_of(repeated(completed, clock)).is_same


def test_a_result_without_a_result_hash_is_compared_by_its_rows(completed: Backtest, clock: Clock) -> None:
    del completed.provenance["result"]
    completed.save()
    assert outcome_of(repeated(completed, clock)).is_same
    trade = completed.trades.order_by("id")[0]
    trade.pnl += 1
    trade.save()
    assert not outcome_of(repeated(completed, clock)).is_same


def test_the_changes_since_the_first_run_are_named(completed: Backtest, clock: Clock) -> None:
    completed.provenance |= {"result": "0" * 64, "kind_code": "0" * 12}
    completed.provenance["data"]["MSFT"]["fingerprint"] = "0" * 64
    completed.save()
    again = repeated(completed, clock)
    assert not outcome_of(again).is_same
    assert provenance.differences(completed.provenance, again.provenance) == [
        "the strategy's code",
        "the bars of MSFT",
    ]


def test_another_result_from_the_same_inputs_is_not_the_same(completed: Backtest, clock: Clock) -> None:
    completed.provenance["result"] = "0" * 64
    completed.save()
    again = repeated(completed, clock)
    assert not outcome_of(again).is_same
    assert provenance.differences(completed.provenance, again.provenance) == []


def test_the_outcome_remains_after_the_first_run_is_deleted(
    completed: Backtest, clock: Clock, alices_browser: Client
) -> None:
    again = repeated(completed, clock)
    first = url_of(completed)
    outcome = outcome_of(again)
    assert (outcome.first_id, outcome.first_exists, outcome.is_same) == (completed.pk, True, True)
    provenance_tab = f"{url_of(again)}?tab=provenance"
    assert f'href="{first}"' in alices_browser.get(provenance_tab).content.decode()
    Backtest.objects.filter(pk=completed.pk).delete()
    outcome = outcome_of(again)
    assert (outcome.first_exists, outcome.is_same) == (False, True)
    assert f'href="{first}"' not in alices_browser.get(provenance_tab).content.decode()


def test_a_first_run_has_no_outcome(completed: Backtest) -> None:
    assert repeat_outcome(completed) is None


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.FAILED, Status.CANCELLED])
def test_a_backtest_without_a_result_cannot_be_repeated(
    make: Make, status: Status, alices_browser: Client
) -> None:
    backtest = make()
    Backtest.objects.update(status=status)
    backtest.refresh_from_db()
    with pytest.raises(NothingToCompare) as refusal:
        repeat_backtest(backtest, NOW)
    response = alices_browser.post(url_of(backtest, "repeat"), follow=True)
    assert str(refusal.value) in text_of(response)
    assert Backtest.objects.count() == 1


def test_the_button_leads_to_the_new_run(completed: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(completed), {"tab": "provenance"})
    assert f'action="{url_of(completed, "repeat")}"' in page.content.decode()
    response = alices_browser.post(url_of(completed, "repeat"))
    again = Backtest.objects.exclude(pk=completed.pk).get()
    assert response["Location"] == url_of(again)


def test_a_get_is_refused(completed: Backtest, alices_browser: Client) -> None:
    assert alices_browser.get(url_of(completed, "repeat")).status_code == 405


def test_bob_cannot_run_alices_backtest_again(completed: Backtest, bobs_browser: Client) -> None:
    assert bobs_browser.post(url_of(completed, "repeat")).status_code == 404
    assert Backtest.objects.count() == 1


def test_differences_include_bars_that_only_one_run_has() -> None:
    first = {"version": "1", "data": {"AAPL": {"fingerprint": "a"}}}
    second = {"version": "2", "data": {"AAPL": {"fingerprint": "a"}, "IBM": {"fingerprint": "b"}}}
    assert provenance.differences(first, second) == ["the version", "the bars of IBM"]
    assert provenance.differences(first, first) == []


def test_a_failed_repetition_shows_its_error(completed: Backtest, clock: Clock, alices_browser: Client) -> None:
    BarSeries.objects.filter(symbol="MSFT").delete()
    again = repeat_backtest(completed, NOW)
    run_backtest(again.pk, clock)
    again.refresh_from_db()
    assert "MSFT" in again.error
    assert again.error in text_of(alices_browser.get(url_of(again)))
