"""Computing evidence, storing it once, and reading it with the trial registry."""

from typing import Any
from unittest.mock import patch

import pytest
from django.db import InterfaceError, OperationalError

from backtests.models import Backtest, Candidate, Evidence, OptimizerRun, TrialRegistry
from backtests.reports.scorecard import scorecards
from backtests.services import evidence, run_backtest
from backtests.services.evidence import compute_for_backtest, compute_for_candidate, compute_for_run
from backtests.services.queue import BACKTEST_EVIDENCE_TASK
from strategies.services import save_strategy
from tests.backtests.evidence.reading import on_other_bars, scorecard_of
from tests.backtests.runs import Clock, Make, Published
from tradedesk.accounts.models import User, UserVersion


def test_a_completed_backtest_is_a_trial_and_enqueues_its_evidence(
    make: Make, clock: Clock, published: Published, django_capture_on_commit_callbacks: Any
) -> None:
    backtest = make()
    with django_capture_on_commit_callbacks(execute=True):
        run_backtest(backtest.pk, clock)
    assert (BACKTEST_EVIDENCE_TASK, (backtest.pk,)) in published
    assert list(TrialRegistry.objects.order_by("symbol").values_list("symbol", "trials")) == [
        ("AAPL", 1),
        ("MSFT", 1),
    ]


def test_a_failed_backtest_is_no_trial(make: Make, clock: Clock) -> None:
    backtest = make()
    Backtest.objects.update(parameters={"fast": 90, "slow": 20})
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert backtest.status == Backtest.Status.FAILED
    assert not TrialRegistry.objects.exists()


def test_evidence_is_computed_once(with_evidence: Backtest, alice: User, clock: Clock) -> None:
    scorecard = scorecard_of(alice, with_evidence)
    assert (scorecard.status, len(scorecard.lines), scorecard.trials) == ("ready", 11, 1)
    assert scorecard.summary
    before = Evidence.objects.values().get()
    with patch.object(evidence, "build_report", side_effect=AssertionError("computed again")):
        compute_for_backtest(with_evidence.pk, clock)
    assert Evidence.objects.values().get() == before


def test_pages_refresh_after_it(completed: Backtest, alice: User, clock: Clock) -> None:
    before = UserVersion.objects.get(user=alice).number
    compute_for_backtest(completed.pk, clock)
    assert UserVersion.objects.get(user=alice).number > before


@pytest.mark.parametrize("status", [each for each in Backtest.Status if each != Backtest.Status.COMPLETED])
def test_an_incomplete_backtest_has_no_evidence(make: Make, clock: Clock, status: str) -> None:
    backtest = make()
    Backtest.objects.update(status=status)
    compute_for_backtest(backtest.pk, clock)
    assert not Evidence.objects.exists()


def test_missing_bars_are_stored_as_an_error(completed: Backtest, alice: User, clock: Clock) -> None:
    Backtest.objects.update(symbols=["MISSING"])
    compute_for_backtest(completed.pk, clock)
    scorecard = scorecard_of(alice, completed)
    assert (scorecard.status, scorecard.lines) == ("failed", [])
    assert "MISSING" in scorecard.error


def test_an_internal_error_is_stored(completed: Backtest, clock: Clock) -> None:
    with patch.object(evidence, "build_report", side_effect=ZeroDivisionError("by zero")):
        compute_for_backtest(completed.pk, clock)
    assert "ZeroDivisionError: by zero" in Evidence.objects.get().error


@pytest.mark.parametrize("error", [OperationalError("database is locked"), InterfaceError("closed")])
def test_a_database_error_stores_nothing(
    error: Exception, completed: Backtest, candidate: Candidate, clock: Clock
) -> None:
    with patch.object(evidence, "build_report", side_effect=error):
        with pytest.raises(type(error)):
            compute_for_backtest(completed.pk, clock)
        with pytest.raises(type(error)):
            compute_for_candidate(candidate.pk, clock)
    assert not Evidence.objects.exists()


def test_changed_bars_are_refused(completed: Backtest, alice: User, clock: Clock) -> None:
    Backtest.objects.update(provenance=on_other_bars(completed.provenance, "AAPL"))
    compute_for_backtest(completed.pk, clock)
    scorecard = scorecard_of(alice, completed)
    assert (scorecard.status, scorecard.lines) == ("failed", [])
    assert scorecard.error == "Since this backtest ran, the bars of AAPL changed. Run it again."


@pytest.mark.parametrize(
    ("name", "named"), [("kind_code", "the strategy's code"), ("engine_code", "the engine's code")]
)
def test_changed_code_is_refused(name: str, named: str, completed: Backtest, alice: User, clock: Clock) -> None:
    Backtest.objects.update(provenance=completed.provenance | {name: "0" * 12})
    compute_for_backtest(completed.pk, clock)
    assert named in scorecard_of(alice, completed).error


def test_another_version_with_the_same_code_is_accepted(completed: Backtest, alice: User, clock: Clock) -> None:
    Backtest.objects.update(provenance=completed.provenance | {"version": "0"})
    compute_for_backtest(completed.pk, clock)
    assert scorecard_of(alice, completed).status == "ready"


def test_a_backtest_that_is_deleted_leaves_no_evidence(completed: Backtest, clock: Clock) -> None:
    def delete_it(*_: Any) -> dict[str, Any]:
        Backtest.objects.all().delete()
        return {}

    with patch.object(evidence, "build_report", side_effect=delete_it):
        compute_for_backtest(completed.pk, clock)
    assert not Evidence.objects.exists()


def test_a_backtest_of_a_kind_without_parameters_has_evidence(
    alice: User, samples: list[str], make: Make, clock: Clock
) -> None:
    held = save_strategy(
        alice, name="Hold", kind="buy_and_hold", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    backtest = make(strategy=held)
    run_backtest(backtest.pk, clock)
    compute_for_backtest(backtest.pk, clock)
    scorecard = scorecard_of(alice, backtest)
    assert scorecard.status == "ready"
    assert scorecard.counts["none"] >= 3


def test_any_number_of_scorecards_costs_a_query_for_the_trials_and_one_for_the_bars(
    run: OptimizerRun, alice: User, clock: Clock, django_assert_num_queries: Any
) -> None:
    compute_for_run(run.pk, clock)
    rows = list(run.candidates.select_related("run", "evidence"))
    for some in (rows[:1], rows):
        with django_assert_num_queries(2):
            assert len(scorecards(alice, some)) == len(some)


def test_trials_of_other_users_do_not_count(with_evidence: Backtest, bob: User, alice: User) -> None:
    assert scorecard_of(alice, with_evidence).trials == 1
    TrialRegistry.objects.update(user=bob)
    assert scorecard_of(alice, with_evidence).trials == 0
