"""Gathering evidence, storing it once, and reading it beside the ledger."""

from datetime import date, timedelta
from importlib import import_module
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from django.apps import apps
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as QueueIsDown

from backtests.models import Backtest, Candidate, Evidence, OptimizerRun, Tries
from backtests.robustness.examination import SEARCH_FAMILY, relatives_of
from backtests.robustness.panel import Line, Mark
from backtests.services import evidence, run_backtest
from backtests.services.evidence import BEST, gather_for_backtest, gather_for_candidate, gather_for_run
from backtests.services.ledger import record
from backtests.services.optimizer import create_ranking, open_as_backtest, run_chunk
from backtests.services.queue import BACKTEST_EVIDENCE_TASK, CANDIDATE_EVIDENCE_TASK
from strategies.models import Strategy
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


@pytest.mark.parametrize("error", [OperationalError("database is locked"), InterfaceError("closed")])
def test_a_database_that_is_out_of_reach_is_no_finding(
    error: Exception, completed: Backtest, candidate: Candidate, clock: Clock
) -> None:
    with patch(EXAMINE, side_effect=error):
        with pytest.raises(type(error)):
            gather_for_backtest(completed.pk, clock)
        with pytest.raises(type(error)):
            gather_for_candidate(candidate.pk, clock)
    assert not Evidence.objects.exists()


def on_other_bars(recorded: dict[str, Any], symbol: str) -> dict[str, Any]:
    """A provenance as if the bars of the symbol had been others then."""
    other = recorded["data"][symbol] | {"fingerprint": "0" * 64}
    return recorded | {"data": recorded["data"] | {symbol: other}}


def test_bars_that_changed_since_are_not_the_results(completed: Backtest, alice: User, clock: Clock) -> None:
    Backtest.objects.update(provenance=on_other_bars(completed.provenance, "AAPL"))
    gather_for_backtest(completed.pk, clock)
    panel = panel_of(alice, completed)
    assert (panel.status, panel.lines) == ("failed", [])
    assert panel.error == "Since this backtest ran, the bars of AAPL changed. Run it again."


@pytest.mark.parametrize(
    ("name", "words"), [("kind_code", "the strategy's code"), ("engine_code", "the engine's code")]
)
def test_code_that_changed_since_is_not_the_results(
    name: str, words: str, completed: Backtest, alice: User, clock: Clock
) -> None:
    Backtest.objects.update(provenance=completed.provenance | {name: "0" * 12})
    gather_for_backtest(completed.pk, clock)
    assert panel_of(alice, completed).error == f"Since this backtest ran, {words} changed. Run it again."


def test_another_version_with_the_same_code_finds_the_same(completed: Backtest, alice: User, clock: Clock) -> None:
    Backtest.objects.update(provenance=completed.provenance | {"version": "0"})
    gather_for_backtest(completed.pk, clock)
    assert panel_of(alice, completed).status == "ready"


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


def test_a_row_is_of_its_own_bars_alone(candidate: Candidate, alice: User, clock: Clock) -> None:
    recorded = candidate.run.provenance
    recorded["data"]["MSFT"] = {"provider": "sample", "fingerprint": "another"}
    OptimizerRun.objects.update(provenance=recorded)
    gather_for_candidate(candidate.pk, clock)
    assert panel_of(alice, candidate).status == "ready"
    Evidence.objects.all().delete()
    OptimizerRun.objects.update(provenance=on_other_bars(recorded, "AAPL"))
    gather_for_candidate(candidate.pk, clock)
    assert panel_of(alice, candidate).error == (
        "Since this run was created, the bars of AAPL changed. Start it again."
    )


def out_of_sample(user: User, subject: Backtest | Candidate) -> Line:
    return next(line for line in panel_of(user, subject).lines if line.key == "out_of_sample")


def test_a_search_without_a_holdout_has_no_last_part_to_be_judged_by(
    candidate: Candidate, alice: User, clock: Clock
) -> None:
    OptimizerRun.objects.update(holdout=0.0)
    gather_for_candidate(candidate.pk, clock)
    line = out_of_sample(alice, candidate)
    assert line.mark is Mark.NONE
    assert line.words.endswith("the search saw all of it.")


def test_a_ranking_has_no_last_part_to_be_judged_by(strategy: Strategy, alice: User, clock: Clock) -> None:
    ranking = create_ranking(
        alice,
        strategies=[strategy],
        all_kinds=False,
        symbols=["AAPL"],
        start_date=date(2005, 1, 3),
        end_date=date(2010, 12, 31),
        initial_capital=100_000,
        wall_now=NOW,
    )
    run_chunk(ranking.pk, 0, clock)
    gather_for_run(ranking.pk, clock)
    row = ranking.candidates.get()
    line = out_of_sample(alice, row)
    assert line.mark is Mark.NONE
    assert line.words.endswith("the ranking saw all of it.")
    opened = open_as_backtest(row, NOW)
    run_backtest(opened.pk, clock)
    gather_for_backtest(opened.pk, clock)
    assert out_of_sample(alice, opened).mark is Mark.NONE


def test_a_row_that_is_opened_is_cut_where_its_search_was_cut(
    candidate: Candidate, alice: User, clock: Clock
) -> None:
    OptimizerRun.objects.update(holdout=0.2)
    opened = open_as_backtest(Candidate.objects.get(pk=candidate.pk), NOW)
    run_backtest(opened.pk, clock)
    gather_for_backtest(opened.pk, clock)
    line = out_of_sample(alice, opened)
    assert "on the last 20%" in line.words
    assert "its search did not see the last part" in line.words


def test_the_last_part_of_a_backtest_is_out_of_sample_until_something_else_has_reached_into_it(
    examined: Backtest, alice: User
) -> None:
    found = Evidence.objects.get()
    found.findings["out_of_sample"] |= {"in_sample": 1.0, "out_of_sample": 0.9}
    found.save()
    cut = date.fromisoformat(found.findings["out_of_sample"]["from"])
    assert out_of_sample(alice, examined).mark is Mark.GOOD
    record(alice.pk, ["AAPL"], "1Day", date(2004, 1, 2), cut - timedelta(days=1), np.ones(4))
    assert out_of_sample(alice, examined).mark is Mark.GOOD
    record(alice.pk, ["AAPL"], "1Hour", date(2004, 1, 2), cut, np.ones(2))
    line = out_of_sample(alice, examined)
    assert line.mark is Mark.FAIR
    assert line.words.endswith("2 other tries reached into the last part.")


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
    Backtest.objects.update(heartbeat_at=NOW)
    OptimizerRun.objects.update(heartbeat_at=NOW)
    asked = [completed.pk], [run.pk]
    for seconds, found in ((60, ([], [])), (61, asked), (62, ([], [])), (121, ([], [])), (122, asked)):
        assert evidence.overdue(NOW + timedelta(seconds=seconds)) == found


def test_a_run_that_is_being_gathered_is_not_asked_for_again(run: OptimizerRun) -> None:
    """Each row takes three minutes: longer than it waits for a lost message, and than one market may be silent."""
    moments = iter(NOW + timedelta(minutes=3 * number) for number in range(100))
    asked: list[list[int]] = []

    def swept(*_: Any) -> dict[str, Any]:
        now = OptimizerRun.objects.get().heartbeat_at
        asked.append(evidence.overdue(now + timedelta(minutes=3))[1])
        return {}

    with patch(EXAMINE, side_effect=swept), patch(RELATIVES):
        gather_for_run(run.pk, lambda: next(moments))
    assert asked == [[]] * BEST
    run.refresh_from_db()
    assert (run.stage, run.findings) == ("", {"gathered": True})


def test_a_second_worker_finds_the_run_taken(run: OptimizerRun, clock: Clock) -> None:
    OptimizerRun.objects.update(stage=evidence.GATHERING)
    with patch(EXAMINE, side_effect=AssertionError("gathered twice")):
        gather_for_run(run.pk, clock)
    assert not Evidence.objects.exists()


def test_a_gatherer_that_is_gone_is_replaced(run: OptimizerRun, clock: Clock) -> None:
    with patch(EXAMINE, side_effect=OperationalError("database is locked")), pytest.raises(OperationalError):
        gather_for_run(run.pk, clock)
    run.refresh_from_db()
    assert run.stage == evidence.GATHERING
    assert evidence.overdue(run.heartbeat_at + timedelta(minutes=5))[1] == []
    assert evidence.overdue(run.heartbeat_at + timedelta(minutes=5, seconds=1))[1] == [run.pk]
    gather_for_run(run.pk, clock)
    assert Evidence.objects.filter(error="").count() == BEST


def test_what_has_evidence_is_never_overdue(examined: Backtest, run: OptimizerRun, clock: Clock) -> None:
    gather_for_run(run.pk, clock)
    assert evidence.overdue(NOW + timedelta(days=9)) == ([], [])


def test_what_was_found_by_other_rules_is_gathered_anew(
    examined: Backtest, run: OptimizerRun, clock: Clock
) -> None:
    gather_for_run(run.pk, clock)
    import_module("backtests.migrations.0007_evidence_anew").forget(apps, None)
    assert not Evidence.objects.exists()
    assert evidence.overdue(NOW + timedelta(days=9)) == ([examined.pk], [run.pk])


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
        patch("backtests.services.evidence.enqueue_candidate_evidence", side_effect=QueueIsDown("down")) as queue,
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
