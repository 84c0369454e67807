"""The evidence of the candidates of a run, and of backtests that are opened from them."""

from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

from backtests.models import Backtest, Candidate, Evidence, OptimizerRun
from backtests.research.robustness.report import SEARCH_SAMPLE, HoldoutStatus, search_context_of
from backtests.research.robustness.scorecard import Line, Rating
from backtests.services import evidence, run_backtest
from backtests.services.evidence import BEST, compute_for_backtest, compute_for_candidate, compute_for_run
from backtests.services.optimizer import create_ranking, create_search, open_as_backtest, run_chunk
from backtests.services.trial_registry import register_trials
from strategies.models import Strategy
from tests.backtests.evidence.reading import on_other_bars, scorecard_of
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import GRID, TERMS, work_through
from tests.backtests.trials import random_trials
from tradedesk.accounts.models import User


def test_the_best_candidates_of_a_run_have_evidence_and_share_one_search_context(
    run: OptimizerRun, clock: Clock
) -> None:
    with patch.object(evidence, "search_context_of", wraps=search_context_of) as search_context:
        compute_for_run(run.pk, clock)
    assert Evidence.objects.filter(error="").count() == BEST < run.candidates.count()
    assert [call.args[3] for call in search_context.call_args_list] == [SEARCH_SAMPLE]
    run.refresh_from_db()
    assert run.evidence_computed
    with patch.object(evidence, "build_report", side_effect=AssertionError("computed again")):
        compute_for_run(run.pk, clock)


def test_the_report_uses_the_holdout_of_the_search(run: OptimizerRun, clock: Clock) -> None:
    compute_for_run(run.pk, clock)
    found = Evidence.objects.filter(candidate__isnull=False).first()
    assert found is not None
    assert found.report["out_of_sample"]["holdout_fraction"] == run.holdout == 0.3
    assert found.report["sample"] == 26


def test_a_candidate_depends_only_on_its_own_bars(candidate: Candidate, alice: User, clock: Clock) -> None:
    recorded = candidate.run.provenance
    recorded["data"]["MSFT"] = {"provider": "sample", "fingerprint": "another"}
    OptimizerRun.objects.update(provenance=recorded)
    compute_for_candidate(candidate.pk, clock)
    assert scorecard_of(alice, candidate).status == "ready"
    Evidence.objects.all().delete()
    OptimizerRun.objects.update(provenance=on_other_bars(recorded, "AAPL"))
    compute_for_candidate(candidate.pk, clock)
    assert "the bars of AAPL" in scorecard_of(alice, candidate).error


def test_a_candidate_depends_only_on_the_code_of_its_own_kind(candidate: Candidate, clock: Clock) -> None:
    recorded = candidate.run.provenance
    own, other = recorded["kind_code"], "0" * 12
    for codes, reason in (
        ({"kind_code": other}, "the strategy's code"),
        ({"kind_codes": {"sma_crossover": other, "macd": own}}, "the code of “sma_crossover”"),
        ({"kind_codes": {"sma_crossover": own, "macd": other}}, ""),
    ):
        OptimizerRun.objects.update(provenance=recorded | codes)
        with patch.object(evidence, "build_report", return_value={}), patch.object(evidence, "search_context_of"):
            compute_for_candidate(candidate.pk, clock)
        found = Evidence.objects.get()
        assert found.error == (f"Since this run was created, {reason} changed. Start it again." if reason else "")
        found.delete()


def holdout_status_of(subject: Backtest | Candidate) -> str:
    name = "candidate" if isinstance(subject, Candidate) else "backtest"
    status: str = Evidence.objects.get(**{name: subject}).report["out_of_sample"]["holdout_status"]
    return status


def out_of_sample(user: User, subject: Backtest | Candidate) -> Line:
    return next(line for line in scorecard_of(user, subject).lines if line.key == "out_of_sample")


def test_a_search_without_a_holdout_has_no_out_of_sample_rating(
    candidate: Candidate, alice: User, clock: Clock
) -> None:
    OptimizerRun.objects.update(holdout=0.0)
    compute_for_candidate(candidate.pk, clock)
    assert out_of_sample(alice, candidate).rating is Rating.NONE
    assert holdout_status_of(candidate) == HoldoutStatus.USED_BY_SEARCH


def test_a_ranking_has_no_out_of_sample_rating(strategy: Strategy, alice: User, clock: Clock) -> None:
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
    assert out_of_sample(alice, row).rating is Rating.NONE
    assert holdout_status_of(row) == HoldoutStatus.USED_BY_RANKING
    opened = open_as_backtest(row, NOW)
    run_backtest(opened.pk, clock)
    compute_for_backtest(opened.pk, clock)
    assert out_of_sample(alice, opened).rating is Rating.NONE


def test_a_backtest_of_a_candidate_has_the_holdout_of_its_search(
    candidate: Candidate, alice: User, clock: Clock
) -> None:
    OptimizerRun.objects.update(holdout=0.2)
    opened = open_as_backtest(Candidate.objects.get(pk=candidate.pk), NOW)
    run_backtest(opened.pk, clock)
    compute_for_backtest(opened.pk, clock)
    assert out_of_sample(alice, opened).rating is not Rating.NONE
    assert holdout_status_of(opened) == HoldoutStatus.NOT_USED
    assert Evidence.objects.get(backtest=opened).report["out_of_sample"]["holdout_fraction"] == 0.2


def test_other_trials_that_use_the_holdout_of_a_backtest_lower_its_rating(
    with_evidence: Backtest, alice: User
) -> None:
    found = Evidence.objects.get()
    found.report["out_of_sample"] |= {"gained_before": True, "probability": 0.96}
    found.save()
    holdout_start = date.fromisoformat(found.report["out_of_sample"]["from"])
    assert out_of_sample(alice, with_evidence).rating is Rating.PASS
    register_trials(
        alice.pk, ["AAPL"], "1Day", date(2004, 1, 2), holdout_start - timedelta(days=1), random_trials(4, 1)
    )
    assert out_of_sample(alice, with_evidence).rating is Rating.PASS
    register_trials(alice.pk, ["AAPL"], "1Hour", date(2004, 1, 2), holdout_start, random_trials(2, 2))
    line = out_of_sample(alice, with_evidence)
    assert line.rating is Rating.CAUTION
    assert "2 other trials" in line.message


def test_every_combination_of_a_search_counts_as_a_trial_of_its_candidates(
    run: OptimizerRun, candidate: Candidate, clock: Clock, alice: User
) -> None:
    compute_for_candidate(candidate.pk, clock)
    scorecard = scorecard_of(alice, candidate)
    assert scorecard.trials == 26


def test_a_backtest_of_a_candidate_is_no_new_trial_and_has_the_search_context(
    candidate: Candidate, clock: Clock, alice: User
) -> None:
    opened = open_as_backtest(candidate, NOW)
    run_backtest(opened.pk, clock)
    compute_for_backtest(opened.pk, clock)
    scorecard = scorecard_of(alice, opened)
    assert scorecard.trials == 26
    assert Evidence.objects.get(backtest=opened).report["sample"] == 26


def test_later_trials_lower_the_line_of_chance_and_repeated_ones_change_nothing(
    with_evidence: Backtest, alice: User, bob: User, strategy: Strategy, clock: Clock
) -> None:
    def searched(**changes: Any) -> tuple[int, float]:
        values: dict[str, Any] = (
            {"symbols": ["AAPL"], "method": "grid", "grid": GRID, "seed": 7, "min_trades": 3} | TERMS | changes
        )
        run = create_search(strategy.user, strategy, **values)
        work_through(run, clock)
        assert run.status == OptimizerRun.Status.COMPLETED, run.error
        return read()

    def read() -> tuple[int, float]:
        scorecard = scorecard_of(alice, with_evidence)
        line = scorecard.lines[0]
        assert (line.key, line.value is not None) == ("chance", True)
        return scorecard.trials, line.value or 0.0

    first, second = read(), searched()
    assert (first[0], second[0]) == (1, 27)
    assert second[1] < first[1]
    assert searched() == second
    assert searched(method="random", trials=30, seed=8) == second, "the same 26 combinations in another order"
    register_trials(bob.pk, ["AAPL"], "1Day", with_evidence.start_date, with_evidence.end_date, random_trials(9))
    assert read() == second
    third = searched(grid={"fast": (6, 12, 2), "slow": (25, 45, 5)})
    assert third[0] > second[0]
    assert third[1] <= second[1]
