"""The number of combinations and the time, before a search starts."""

import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from backtests.engine.simulation import Scenario
from backtests.models import OptimizerRun
from backtests.services.optimizer import Estimate, estimate
from strategies.models import Strategy

Ask = Callable[..., Estimate]


@pytest.fixture
def ask(strategy: Strategy) -> Ask:
    def about(**changes: Any) -> Estimate:
        values: dict[str, Any] = {
            "symbols": ["AAPL", "MSFT"],
            "start_date": date(2005, 1, 3),
            "end_date": date(2010, 12, 31),
            "method": "grid",
            "grid": {"fast": (5, 30, 5), "slow": (20, 60, 10)},
        }
        return estimate(strategy, **(values | changes))

    return about


def test_a_small_grid_is_counted_by_the_kinds_own_rule(ask: Ask) -> None:
    found = ask()
    assert (found.combinations, found.exact, found.workers, found.errors) == (2 * 26, True, 2, {})
    assert found.seconds is not None
    assert 0 < found.seconds < 60


def test_a_large_grid_has_up_to_so_many(ask: Ask) -> None:
    found = ask(grid={"fast": (2, 400, 1), "slow": (3, 400, 1)}, symbols=["AAPL"])
    assert (found.combinations, found.exact) == (399 * 398, False)


@pytest.mark.parametrize(("method", "workers"), [("random", 2), ("tpe", 1)])
def test_trials_are_at_most_what_the_grid_has(ask: Ask, method: str, workers: int) -> None:
    few, all_of_them = ask(method=method, trials=7), ask(method=method, trials=1_000)
    assert (few.combinations, all_of_them.combinations) == (14, 60)
    assert few.workers == workers


def test_it_grows_with_what_is_to_be_done(ask: Ask) -> None:
    few, many = (ask(method="random", trials=trials, grid={}) for trials in (10, 100_000))
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
def test_what_would_be_refused_is_said_before(ask: Ask, changes: dict[str, Any], field: str) -> None:
    found = ask(**changes)
    assert set(found.errors) == {field}
    assert found.seconds is None


@pytest.mark.parametrize(
    "changes",
    [{"symbols": ["NONE"]}, {"symbols": []}, {"end_date": date(2004, 1, 1)}, {"start_date": date(2030, 1, 1)}],
)
def test_where_nothing_can_be_tried_the_time_is_unknown(ask: Ask, changes: dict[str, Any]) -> None:
    found = ask(**changes)
    assert (found.seconds, found.errors) == (None, {})


def test_a_slow_strategy_is_tried_once_and_not_sixty_times(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def slow(scenario: Any, kind: Any, combinations: Any) -> None:
        sizes.append(len(combinations))
        time.sleep(0.03 * len(combinations))

    monkeypatch.setattr("backtests.services.optimizer.estimates.sweep", slow)
    found = ask(method="random", trials=26, symbols=["AAPL"])
    assert sizes == [1, 1]
    assert found.seconds is not None
    assert found.seconds >= 26 * 0.03 / 2


def test_it_times_the_part_that_the_search_sees(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def notes(scenario: Scenario, *_: Any) -> None:
        sizes.append(len(scenario.benchmark.time))

    monkeypatch.setattr("backtests.services.optimizer.estimates.sweep", notes)
    ask(symbols=["AAPL"], holdout=0.0)
    ask(symbols=["AAPL"], holdout=0.5)
    assert sizes[0] == 1511  # the sessions of the six years
    assert sizes[-1] == pytest.approx(1511 / 2, abs=5)


def test_an_estimate_starts_nothing(ask: Ask) -> None:
    ask()
    assert not OptimizerRun.objects.exists()
