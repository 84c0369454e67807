"""The number of combinations and the duration, before a search starts."""

import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from backtests.engine.simulation import Scenario
from backtests.models import OptimizerRun
from backtests.services.optimizer import Estimate, estimate, estimates
from strategies.models import Strategy

MakeEstimate = Callable[..., Estimate]


@pytest.fixture
def make_estimate(strategy: Strategy) -> MakeEstimate:
    def make(**changes: Any) -> Estimate:
        values: dict[str, Any] = {
            "symbols": ["AAPL", "MSFT"],
            "start_date": date(2005, 1, 3),
            "end_date": date(2010, 12, 31),
            "method": "grid",
            "grid": {"fast": (5, 30, 5), "slow": (20, 60, 10)},
        }
        return estimate(strategy, **(values | changes))

    return make


def test_the_valid_combinations_of_a_small_grid_are_counted(make_estimate: MakeEstimate) -> None:
    found = make_estimate()
    assert (found.combinations, found.exact, found.workers, found.errors) == (2 * 26, True, 2, {})
    assert found.seconds is not None
    assert 0 < found.seconds < 60


def test_a_large_grid_has_an_upper_bound(make_estimate: MakeEstimate) -> None:
    found = make_estimate(grid={"fast": (2, 400, 1), "slow": (3, 400, 1)}, symbols=["AAPL"])
    assert (found.combinations, found.exact) == (399 * 398, False)


@pytest.mark.parametrize(("method", "workers"), [("random", 2), ("tpe", 1)])
def test_there_are_at_most_as_many_trials_as_combinations(
    make_estimate: MakeEstimate, method: str, workers: int
) -> None:
    few, capped = make_estimate(method=method, trials=7), make_estimate(method=method, trials=1_000)
    assert (few.combinations, capped.combinations) == (14, 60)
    assert few.workers == workers


def test_more_trials_take_longer(make_estimate: MakeEstimate) -> None:
    few, many = (make_estimate(method="random", trials=trials, grid={}) for trials in (10, 100_000))
    assert few.seconds is not None
    assert many.seconds is not None
    assert few.seconds < many.seconds


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"grid": {"fast": (30, 5, 1)}}, "grid.fast"),
        ({"grid": {"fast": (60, 70, 1)}}, "grid"),
        ({"method": "tpe"}, "trials"),
        ({"symbols": [f"S{n}" for n in range(50)], "grid": {"fast": (2, 400, 1), "slow": (3, 400, 1)}}, "grid"),
    ],
)
def test_errors_of_the_search_are_returned(
    make_estimate: MakeEstimate, changes: dict[str, Any], field: str
) -> None:
    found = make_estimate(**changes)
    assert set(found.errors) == {field}
    assert found.seconds is None


@pytest.mark.parametrize(
    "changes",
    [{"symbols": ["NONE"]}, {"symbols": []}, {"end_date": date(2004, 1, 1)}, {"start_date": date(2030, 1, 1)}],
)
def test_without_bars_the_duration_is_unknown(make_estimate: MakeEstimate, changes: dict[str, Any]) -> None:
    found = make_estimate(**changes)
    assert (found.seconds, found.errors) == (None, {})


def test_a_slow_strategy_is_timed_on_one_combination(
    make_estimate: MakeEstimate, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def slow(scenario: Any, kind: Any, combinations: Any) -> None:
        sizes.append(len(combinations))
        time.sleep(0.03 * len(combinations))

    monkeypatch.setattr(estimates, "sweep_trials", slow)
    found = make_estimate(method="random", trials=26, symbols=["AAPL"])
    assert sizes == [1, 1]
    assert found.seconds is not None
    assert found.seconds >= 26 * 0.03 / 2


def test_the_timing_uses_the_in_sample_period(
    make_estimate: MakeEstimate, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def note_sessions(scenario: Scenario, *_: Any) -> None:
        sizes.append(len(scenario.benchmark.time))

    monkeypatch.setattr(estimates, "sweep_trials", note_sessions)
    make_estimate(symbols=["AAPL"], holdout=0.0)
    make_estimate(symbols=["AAPL"], holdout=0.5)
    assert sizes[0] == 1511  # the sessions of six years
    assert sizes[-1] == pytest.approx(1511 / 2, abs=5)


def test_an_estimate_creates_no_run(make_estimate: MakeEstimate) -> None:
    make_estimate()
    assert not OptimizerRun.objects.exists()


def test_the_time_of_the_estimator_counts(make_estimate: MakeEstimate, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*arguments: Any) -> list[Any]:
        time.sleep(0.08)
        return []

    monkeypatch.setattr(estimates, "next_batch", slow)
    found = make_estimate(method="tpe", trials=50, symbols=["AAPL"])
    assert found.seconds is not None
    assert found.seconds > 50 * 0.08 / estimates.TIMED_PROPOSALS
