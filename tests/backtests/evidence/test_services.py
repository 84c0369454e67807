"""Gathering evidence, storing it once, and reading it beside the ledger."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from kombu.exceptions import OperationalError

from backtests.models import Backtest, Candidate, Evidence, OptimizerRun, Tries
from backtests.robustness.examination import SEARCH_FAMILY, relatives_of
from backtests.services import evidence, run_backtest
from backtests.services.evidence import BEST, gather_for_backtest, gather_for_candidate, gather_for_run
from backtests.services.optimizer import open_as_backtest
from backtests.services.queue import BACKTEST_EVIDENCE_TASK, CANDIDATE_EVIDENCE_TASK
from strategies.services import save_strategy
from tests.backtests.runs import NOW, Clock, Make, Published
from tradedesk.accounts.models import User, UserVersion

EXAMINE = "backtests.services.evidence.examine"
ENQUEUE = "backtests.services.evidence.enqueue_candidate_evidence"
RELATIVES = "backtests.services.evidence.relatives_of"


def panel_of(user: User, subject: Backtest | Candidate) -> evidence.Panel:
    again: Backtest | Candidate
    if isinstance(subject, Candidate):
        again = Candidate.objects.select_related("run", "evidence").get(pk=subject.pk)
    else:
        again = Backtest.objects.select_related("evidence").get(pk=subject.pk)
    return evidence.panels(user, [again])[again.pk]


# --- Of a backtest -------------------------------------------------------------------------------------------


def test_a_completed_backtest_is_a_try_and_asks_for_its_evidence(
    make: Make, clock: Clock, published: Published, django_capture_on_commit_callbacks: Any
) -> None:
    backtest = make()
    with django_capture_on_commit_callbacks(execute=True):
        run_backtest(backtest.pk, clock)
    assert (BACKTEST_EVIDENCE_TASK, (backtest.pk,)) in published
    assert list(Tries.objects.order_by("symbol").values_list("symbol", "number")) == [("AAPL", 1), ("MSFT", 1)]


def test_a_failed_backtest_is_no_try(make: Make, clock: Clock) -> None:
    backtest = make()
    Backtest.objects.update(parameters={"fast": 90, "slow": 20})
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert backtest.status == Backtest.Status.FAILED
    assert not Tries.objects.exists()


def test_evidence_is_gathered_once(examined: Backtest, alice: User, clock: Clock) -> None:
    panel = panel_of(alice, examined)
    assert (panel.status, len(panel.lines), panel.tries) == ("ready", 9, 1)
    assert panel.summary
    before = Evidence.objects.values().get()
    with patch(EXAMINE, side_effect=AssertionError("gathered again")):
        gather_for_backtest(examined.pk, clock)
    assert Evidence.objects.values().get() == before


def test_pages_hear_of_it(completed: Backtest, alice: User, clock: Clock) -> None:
    before = UserVersion.objects.get(user=alice).number
    gather_for_backtest(completed.pk, clock)
    assert UserVersion.objects.get(user=alice).number > before


@pytest.mark.parametrize("status", [each for each in Backtest.Status if each != Backtest.Status.COMPLETED])
def test_what_has_not_completed_has_no_evidence(make: Make, clock: Clock, status: str) -> None:
    backtest = make()
    Backtest.objects.update(status=status)
    gather_for_backtest(backtest.pk, clock)
    assert not Evidence.objects.exists()


def test_bars_that_are_gone_are_a_sentence_and_not_an_exception(
    completed: Backtest, alice: User, clock: Clock
) -> None:
    Backtest.objects.update(symbols=["GONE"])
    gather_for_backtest(completed.pk, clock)
    panel = panel_of(alice, completed)
    assert (panel.status, panel.lines) == ("failed", [])
    assert "GONE" in panel.error


def test_a_mistake_of_ours_is_said_and_stored(completed: Backtest, clock: Clock) -> None:
    with patch(EXAMINE, side_effect=ZeroDivisionError("by zero")):
        gather_for_backtest(completed.pk, clock)
    assert Evidence.objects.get().error.startswith("The desk made an error (ZeroDivisionError: by zero).")


def test_what_is_deleted_meanwhile_leaves_nothing(completed: Backtest, clock: Clock) -> None:
    def deleted(*_: Any) -> dict[str, Any]:
        Backtest.objects.all().delete()
        return {}

    with patch(EXAMINE, side_effect=deleted):
        gather_for_backtest(completed.pk, clock)
    assert not Evidence.objects.exists()


def test_a_backtest_of_a_kind_without_parameters_has_evidence(
    alice: User, samples: list[str], make: Make, clock: Clock
) -> None:
    held = save_strategy(
        alice, name="Hold", kind="buy_and_hold", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    backtest = make(strategy=held)
    run_backtest(backtest.pk, clock)
    gather_for_backtest(backtest.pk, clock)
    panel = panel_of(alice, backtest)
    assert panel.status == "ready"
    assert panel.counts["none"] >= 3


# --- Of a search ---------------------------------------------------------------------------------------------


def test_the_best_rows_of_a_run_are_examined_and_share_their_family(run: OptimizerRun, clock: Clock) -> None:
    with patch(RELATIVES, wraps=relatives_of) as relatives:
        gather_for_run(run.pk, clock)
    assert Evidence.objects.filter(error="").count() == BEST < run.candidates.count()
    assert [call.args[3] for call in relatives.call_args_list] == [SEARCH_FAMILY]
    run.refresh_from_db()
    assert run.findings == {"gathered": True}
    with patch(EXAMINE, side_effect=AssertionError("gathered again")):
        gather_for_run(run.pk, clock)


def test_the_search_and_the_rest_are_told_apart_where_the_search_was_cut(run: OptimizerRun, clock: Clock) -> None:
    gather_for_run(run.pk, clock)
    found = Evidence.objects.filter(candidate__isnull=False).first()
    assert found is not None
    assert found.findings["out_of_sample"]["part"] == run.holdout == 0.3
    assert found.findings["family"] == 26


def test_every_combination_of_a_search_is_a_try_of_each_of_its_rows(
    run: OptimizerRun, candidate: Candidate, clock: Clock, alice: User
) -> None:
    gather_for_candidate(candidate.pk, clock)
    panel = panel_of(alice, candidate)
    assert panel.tries == 26
    assert "best of 26 tries" in panel.lines[0].words


def test_a_row_that_is_opened_is_no_other_try_and_keeps_its_family(
    candidate: Candidate, clock: Clock, alice: User
) -> None:
    opened = open_as_backtest(candidate, NOW)
    run_backtest(opened.pk, clock)
    gather_for_backtest(opened.pk, clock)
    panel = panel_of(alice, opened)
    assert panel.tries == 26
    assert Evidence.objects.get(backtest=opened).findings["family"] == 26


def test_luck_is_reckoned_anew_when_more_is_tried(examined: Backtest, alice: User, run: OptimizerRun) -> None:
    """Twenty-six later tries of the same symbol make yesterday's result less of a surprise."""
    luck = panel_of(alice, examined).lines[0]
    assert "best of 27 tries" in luck.words
    Tries.objects.all().delete()
    alone = panel_of(alice, examined).lines[0]
    assert (luck.value or 0) < (alone.value or 0)


# --- What is lost, and what is asked for ---------------------------------------------------------------------


def test_what_has_waited_for_a_minute_is_asked_for_again(completed: Backtest, run: OptimizerRun) -> None:
    Backtest.objects.update(finished_at=NOW)
    OptimizerRun.objects.update(finished_at=NOW)
    assert evidence.overdue(NOW + timedelta(seconds=60)) == ([], [])
    assert evidence.overdue(NOW + timedelta(seconds=61)) == ([completed.pk], [run.pk])


def test_what_has_evidence_is_never_overdue(examined: Backtest, run: OptimizerRun, clock: Clock) -> None:
    gather_for_run(run.pk, clock)
    assert evidence.overdue(NOW + timedelta(days=9)) == ([], [])


def test_a_row_is_asked_for_until_it_has_evidence(
    candidate: Candidate, clock: Clock, published: Published, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        evidence.ask_for(candidate)
    assert published == [(CANDIDATE_EVIDENCE_TASK, (candidate.pk,))]
    gather_for_candidate(candidate.pk, clock)
    with django_capture_on_commit_callbacks(execute=True):
        evidence.ask_for(Candidate.objects.select_related("evidence").get(pk=candidate.pk))
    assert len(published) == 1


def test_a_queue_that_is_down_is_not_the_askers_trouble(
    candidate: Candidate, django_capture_on_commit_callbacks: Any
) -> None:
    with (
        patch(
            "backtests.services.evidence.enqueue_candidate_evidence", side_effect=OperationalError("down")
        ) as queue,
        django_capture_on_commit_callbacks(execute=True),
    ):
        evidence.ask_for(candidate)
    assert queue.called


# --- Reading -------------------------------------------------------------------------------------------------


def test_panels_cost_one_query_however_many(
    run: OptimizerRun, alice: User, clock: Clock, django_assert_num_queries: Any
) -> None:
    gather_for_run(run.pk, clock)
    rows = list(run.candidates.select_related("run", "evidence"))
    for some in (rows[:1], rows):
        with django_assert_num_queries(1):
            assert len(evidence.panels(alice, some)) == len(some)


def test_nobody_elses_tries_count(examined: Backtest, bob: User, alice: User) -> None:
    Tries.objects.update(user=bob)
    assert panel_of(alice, examined).tries == 0
    assert "a single try" in panel_of(alice, examined).lines[0].words
