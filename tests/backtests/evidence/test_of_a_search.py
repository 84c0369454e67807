"""The evidence of the rows of a run, and of what was opened from one."""

from datetime import date, timedelta
from unittest.mock import patch

import numpy as np

from backtests.models import Backtest, Candidate, Evidence, OptimizerRun, TrialRegistry
from backtests.research.robustness.report import SEARCH_SAMPLE, search_context_of
from backtests.research.robustness.scorecard import Line, Rating
from backtests.services import run_backtest
from backtests.services.evidence import BEST, compute_for_backtest, compute_for_candidate, compute_for_run
from backtests.services.optimizer import create_ranking, open_as_backtest, run_chunk
from backtests.services.trial_registry import register_trials
from strategies.models import Strategy
from tests.backtests.evidence.reading import on_other_bars, panel_of
from tests.backtests.runs import NOW, Clock
from tradedesk.accounts.models import User

EXAMINE = "backtests.services.evidence.build_report"
RELATIVES = "backtests.services.evidence.search_context_of"


def test_the_best_rows_of_a_run_are_examined_and_share_their_family(run: OptimizerRun, clock: Clock) -> None:
    with patch(RELATIVES, wraps=search_context_of) as search_context:
        compute_for_run(run.pk, clock)
    assert Evidence.objects.filter(error="").count() == BEST < run.candidates.count()
    assert [call.args[3] for call in search_context.call_args_list] == [SEARCH_SAMPLE]
    run.refresh_from_db()
    assert run.evidence_gathered
    with patch(EXAMINE, side_effect=AssertionError("gathered again")):
        compute_for_run(run.pk, clock)


def test_the_search_and_the_rest_are_told_apart_where_the_search_was_cut(run: OptimizerRun, clock: Clock) -> None:
    compute_for_run(run.pk, clock)
    found = Evidence.objects.filter(candidate__isnull=False).first()
    assert found is not None
    assert found.report["out_of_sample"]["part"] == run.holdout == 0.3
    assert found.report["sample"] == 26


def test_a_row_is_of_its_own_bars_alone(candidate: Candidate, alice: User, clock: Clock) -> None:
    recorded = candidate.run.provenance
    recorded["data"]["MSFT"] = {"provider": "sample", "fingerprint": "another"}
    OptimizerRun.objects.update(provenance=recorded)
    compute_for_candidate(candidate.pk, clock)
    assert panel_of(alice, candidate).status == "ready"
    Evidence.objects.all().delete()
    OptimizerRun.objects.update(provenance=on_other_bars(recorded, "AAPL"))
    compute_for_candidate(candidate.pk, clock)
    assert panel_of(alice, candidate).error == (
        "Since this run was created, the bars of AAPL changed. Start it again."
    )


def out_of_sample(user: User, subject: Backtest | Candidate) -> Line:
    return next(line for line in panel_of(user, subject).lines if line.key == "out_of_sample")


def test_a_search_without_a_holdout_has_no_last_part_to_be_judged_by(
    candidate: Candidate, alice: User, clock: Clock
) -> None:
    OptimizerRun.objects.update(holdout=0.0)
    compute_for_candidate(candidate.pk, clock)
    line = out_of_sample(alice, candidate)
    assert line.rating is Rating.NONE
    assert line.message.endswith("the search saw all of it.")


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
    compute_for_run(ranking.pk, clock)
    row = ranking.candidates.get()
    line = out_of_sample(alice, row)
    assert line.rating is Rating.NONE
    assert line.message.endswith("the ranking saw all of it.")
    opened = open_as_backtest(row, NOW)
    run_backtest(opened.pk, clock)
    compute_for_backtest(opened.pk, clock)
    assert out_of_sample(alice, opened).rating is Rating.NONE


def test_a_row_that_is_opened_is_cut_where_its_search_was_cut(
    candidate: Candidate, alice: User, clock: Clock
) -> None:
    OptimizerRun.objects.update(holdout=0.2)
    opened = open_as_backtest(Candidate.objects.get(pk=candidate.pk), NOW)
    run_backtest(opened.pk, clock)
    compute_for_backtest(opened.pk, clock)
    line = out_of_sample(alice, opened)
    assert "on the last 20%" in line.message
    assert "its search did not see the last part" in line.message


def test_the_last_part_of_a_backtest_is_out_of_sample_until_something_else_has_reached_into_it(
    examined: Backtest, alice: User
) -> None:
    found = Evidence.objects.get()
    found.report["out_of_sample"] |= {"in_sample": 1.0, "out_of_sample": 0.9}
    found.save()
    cut = date.fromisoformat(found.report["out_of_sample"]["from"])
    assert out_of_sample(alice, examined).rating is Rating.PASS
    register_trials(alice.pk, ["AAPL"], "1Day", date(2004, 1, 2), cut - timedelta(days=1), np.ones(4))
    assert out_of_sample(alice, examined).rating is Rating.PASS
    register_trials(alice.pk, ["AAPL"], "1Hour", date(2004, 1, 2), cut, np.ones(2))
    line = out_of_sample(alice, examined)
    assert line.rating is Rating.CAUTION
    assert line.message.endswith("2 other tries reached into the last part.")


def test_every_combination_of_a_search_is_a_try_of_each_of_its_rows(
    run: OptimizerRun, candidate: Candidate, clock: Clock, alice: User
) -> None:
    compute_for_candidate(candidate.pk, clock)
    scorecard = panel_of(alice, candidate)
    assert scorecard.trials == 26
    assert "best of 26 tries" in scorecard.lines[0].words


def test_a_row_that_is_opened_is_no_other_try_and_keeps_its_family(
    candidate: Candidate, clock: Clock, alice: User
) -> None:
    opened = open_as_backtest(candidate, NOW)
    run_backtest(opened.pk, clock)
    compute_for_backtest(opened.pk, clock)
    scorecard = panel_of(alice, opened)
    assert scorecard.trials == 26
    assert Evidence.objects.get(backtest=opened).report["sample"] == 26


def test_luck_is_reckoned_anew_when_more_is_tried(examined: Backtest, alice: User, run: OptimizerRun) -> None:
    """Twenty-six later tries of the same symbol make yesterday's result less of a surprise."""
    luck = panel_of(alice, examined).lines[0]
    assert "best of 27 tries" in luck.words
    TrialRegistry.objects.all().delete()
    alone = panel_of(alice, examined).lines[0]
    assert (luck.value or 0) < (alone.value or 0)
