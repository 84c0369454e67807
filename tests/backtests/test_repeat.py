"""Running a backtest again, and what is said of it when it is done."""

import pytest
from django.test import Client

from backtests import provenance
from backtests.models import Backtest
from backtests.reports.backtest import verdict_of
from backtests.services import NothingToCompare, repeat_backtest, run_backtest
from backtests.services.repeat import SNAPSHOT
from strategies.models import Strategy
from tests.backtests.pages import text_of, url_of
from tests.backtests.runs import NOW, Clock, Make, Published
from tradedesk.marketdata.models import BarSeries

Status = Backtest.Status
SAME = "The same trades and the same equity, to the last bit."


def repeated(backtest: Backtest, clock: Clock) -> Backtest:
    again = repeat_backtest(backtest, NOW)
    run_backtest(again.pk, clock)
    again.refresh_from_db()
    assert again.status == Status.COMPLETED, again.error
    return again


def words_of(backtest: Backtest) -> str:
    verdict = verdict_of(backtest)
    assert verdict
    return verdict.words


@pytest.mark.django_db(transaction=True)
def test_it_queues_the_same_snapshot_anew(completed: Backtest, published: Published) -> None:
    again = repeat_backtest(completed, NOW)
    assert again.pk != completed.pk
    for name in SNAPSHOT:
        assert getattr(again, name) == getattr(completed, name), name
    assert (again.status, again.metrics, again.provenance["result"]) == (Status.QUEUED, {}, None)
    assert published[-1] == ("backtests.tasks.run_backtest", (again.pk,))


def test_the_same_code_on_the_same_bars_gives_the_same_bytes(completed: Backtest, clock: Clock) -> None:
    again = repeated(completed, clock)
    assert again.provenance["result"] == completed.provenance["result"]
    assert again.repeats == {"backtest": completed.pk, "result": completed.provenance["result"]}
    assert words_of(again) == SAME


def test_it_runs_from_the_snapshot_when_the_strategy_is_another_one_by_now(
    completed: Backtest, strategy: Strategy, clock: Clock
) -> None:
    strategy.delete()
    completed.refresh_from_db()
    assert words_of(repeated(completed, clock)) == SAME


def test_a_result_from_before_there_were_digests_is_compared_by_its_rows(
    completed: Backtest, clock: Clock
) -> None:
    del completed.provenance["result"]
    completed.save()
    assert words_of(repeated(completed, clock)) == SAME
    trade = completed.trades.order_by("id")[0]
    trade.pnl += 1
    trade.save()
    assert words_of(repeated(completed, clock)) != SAME


def test_what_changed_in_between_is_named(completed: Backtest, clock: Clock) -> None:
    completed.provenance |= {"result": "0" * 64, "kind_code": "0" * 12}
    completed.provenance["data"]["MSFT"]["fingerprint"] = "0" * 64
    completed.save()
    again = repeated(completed, clock)
    assert words_of(again) == "Another result: the strategy's code, the bars of MSFT changed in between."


def test_another_result_from_the_same_origins_is_not_explained_away(completed: Backtest, clock: Clock) -> None:
    completed.provenance["result"] = "0" * 64
    completed.save()
    assert "That must not be: please report it." in words_of(repeated(completed, clock))


def test_the_verdict_outlives_the_first_run(completed: Backtest, clock: Clock, alices_browser: Client) -> None:
    again = repeated(completed, clock)
    page = alices_browser.get(url_of(again))
    assert f"Backtest {completed.pk} run again. {SAME}" in text_of(page)
    assert f'href="{url_of(completed)}"' in page.content.decode()
    first = url_of(completed)
    Backtest.objects.filter(pk=completed.pk).delete()
    page = alices_browser.get(url_of(again))
    assert SAME in text_of(page)
    assert f'href="{first}"' not in page.content.decode()


def test_a_first_run_has_no_verdict(completed: Backtest) -> None:
    assert verdict_of(completed) is None


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.FAILED, Status.CANCELLED])
def test_without_a_result_there_is_nothing_to_compare(make: Make, status: Status, alices_browser: Client) -> None:
    backtest = make()
    Backtest.objects.update(status=status)
    backtest.refresh_from_db()
    with pytest.raises(NothingToCompare):
        repeat_backtest(backtest, NOW)
    answer = alices_browser.post(url_of(backtest, "repeat"), follow=True)
    assert "Only a completed backtest can be run again and compared." in text_of(answer)
    assert Backtest.objects.count() == 1


def test_the_button_leads_to_the_new_run(completed: Backtest, alices_browser: Client) -> None:
    assert f'action="{url_of(completed, "repeat")}"' in alices_browser.get(url_of(completed)).content.decode()
    answer = alices_browser.post(url_of(completed, "repeat"))
    again = Backtest.objects.exclude(pk=completed.pk).get()
    assert answer["Location"] == url_of(again)


def test_it_is_never_a_get(completed: Backtest, alices_browser: Client) -> None:
    assert alices_browser.get(url_of(completed, "repeat")).status_code == 405


def test_bob_cannot_run_alices_backtest_again(completed: Backtest, bobs_browser: Client) -> None:
    assert bobs_browser.post(url_of(completed, "repeat")).status_code == 404
    assert Backtest.objects.count() == 1


def test_differences_name_the_bars_that_only_one_run_had() -> None:
    first = {"version": "1", "data": {"AAPL": {"fingerprint": "a"}}}
    second = {"version": "2", "data": {"AAPL": {"fingerprint": "a"}, "IBM": {"fingerprint": "b"}}}
    assert provenance.differences(first, second) == ["the version", "the bars of IBM"]
    assert provenance.differences(first, first) == []


def test_a_failed_repetition_says_why(completed: Backtest, clock: Clock, alices_browser: Client) -> None:
    BarSeries.objects.filter(symbol="MSFT").delete()
    again = repeat_backtest(completed, NOW)
    run_backtest(again.pk, clock)
    assert "No 1Day bars for MSFT." in text_of(alices_browser.get(url_of(again)))
