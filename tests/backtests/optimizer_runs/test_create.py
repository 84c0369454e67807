"""The checks of the inputs of a run, and its chunks."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.models import OptimizerRun
from backtests.research.optimizer.grid import Grid
from backtests.services.optimizer import InvalidRun
from backtests.services.optimizer.create import chunk_size
from backtests.services.optimizer.inputs import MAX_COMBINATIONS, combinations_in
from strategies.kinds import kinds
from strategies.kinds.macd import Macd
from strategies.models import Strategy
from strategies.services import save_strategy
from tests.backtests.searches import MakeRun


def refused(make: MakeRun, **changes: Any) -> dict[str, str]:
    with pytest.raises(InvalidRun) as refusal:
        make(**changes)
    assert not OptimizerRun.objects.exists()
    return refusal.value.errors


def test_all_errors_are_returned_at_once(search: MakeRun) -> None:
    errors = refused(
        search,
        grid={"fast": (30, 5, 1)},
        symbols=["NONE"],
        objective="deflated_sharpe",
        min_trades=-1,
        holdout=0.95,
        initial_capital=0,
        seed=-1,
        stop_loss_pct=5.0,
    )
    expected = {
        "grid.fast",
        "symbols",
        "objective",
        "min_trades",
        "holdout",
        "initial_capital",
        "seed",
        "stop_loss_pct",
    }
    assert set(errors) == expected


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        (
            {"grid": {"fast": (30, 5, 1)}},
            "grid.fast",
            "The lower bound of Fast average, 30, is above the upper bound, 5. Swap them.",
        ),
        ({"grid": {"fast": (1, 5, 1)}}, "grid.fast", "Fast average must be between 2 and 400."),
        ({"grid": {"fast": (5, 30, 0)}}, "grid.fast", "The step of Fast average must be above 0."),
        ({"grid": {"fast": (5, 30, 1e-320)}}, "grid.fast", "The step of Fast average must be a whole number."),
        ({"grid": {"pace": (5, 30, 1)}}, "grid.pace", "SMA crossover has no parameter “pace”."),
        ({"grid": {"fast": (60, 70, 1)}}, "grid", "None of these combinations is valid. "),
        ({"method": "guess"}, "method", "The method must be one of grid, random, tpe."),
        ({"method": "random"}, "trials", "The number of trials must be between 1 and 1,000,000."),
        ({"method": "random", "trials": 1.5}, "trials", "The number of trials must be between"),
        ({"method": "random", "trials": 0}, "trials", "The number of trials must be between"),
        (
            {"method": "random", "trials": 600_000, "symbols": ["AAPL", "MSFT"]},
            "trials",
            "The number of trials must be between 1 and 500,000.",
        ),
        ({"method": "tpe", "trials": 2_001}, "trials", "The number of trials must be between 1 and 2,000."),
        ({"seed": 2**31}, "seed", "The seed must be a whole number from 0 to 2,147,483,647."),
        ({"seed": True}, "seed", "The seed must be a whole number"),
        ({"objective": "weighted", "weights": {"sharpe": 0.0}}, "weights", "At least one weight must be above 0."),
        ({"objective": "weighted", "weights": {"luck": 1.0}}, "weights", "There is no weight “luck”."),
        ({"objective": "weighted", "weights": {"sharpe": float("nan")}}, "weights", "Each weight must be"),
        ({"holdout": float("nan")}, "holdout", "The holdout must be between 0 and 0.9."),
        ({"symbols": [f"S{n}" for n in range(200)]}, "symbols", "At most 50 symbols, not 200."),
        ({"end_date": date(2005, 1, 3)}, "end_date", "The end must be later than the start, 2005-01-03."),
        ({"end_date": date(1999, 1, 3), "start_date": date(1998, 1, 3)}, "end_date", "There are no bars from"),
        ({"slippage_bps": -1.0}, "slippage_bps", "must be between"),
        (
            {"symbols": ["AAPL", "FB", "MSFT"]},
            "symbols",
            "There are no bars from 2005-01-03 to 2010-12-31 of FB. Bars: FB 2012-05-18 to",
        ),
    ],
)
def test_an_invalid_input_is_refused_at_its_field(
    search: MakeRun, changes: dict[str, Any], field: str, text: str
) -> None:
    found = refused(search, **changes)
    assert text in found[field]


def test_a_kind_that_is_not_installed_or_has_no_parameters_is_refused(search: MakeRun, strategy: Strategy) -> None:
    Strategy.objects.update(kind="buy_and_hold", parameters={})
    strategy.refresh_from_db()
    assert "no parameters" in refused(search)["strategy"]
    Strategy.objects.update(kind="my_own")
    strategy.refresh_from_db()
    assert "not installed" in refused(search)["strategy"]


def test_a_ranking_needs_strategies_that_can_run(ranking: MakeRun, strategy: Strategy) -> None:
    assert set(refused(ranking, strategies=[])) == {"strategies"}
    strategy.parameters = {"fast": 50, "slow": 20}
    assert refused(ranking, strategies=[strategy])["strategies"].startswith("“Golden cross” cannot run.")


def test_a_strategy_on_another_timeframe_is_refused(ranking: MakeRun, strategy: Strategy) -> None:
    strategy.timeframe = "5Min"
    assert "5Min" in refused(ranking, strategies=[strategy])["strategies"]


def test_a_ranking_refuses_a_symbol_that_starts_later(ranking: MakeRun) -> None:
    assert "of FB." in refused(ranking, symbols=["AAPL", "FB"])["symbols"]


def test_a_kind_is_ranked_once_with_the_same_parameters(ranking: MakeRun, strategy: Strategy) -> None:
    strategy.parameters = {}
    run = ranking(strategies=[strategy], all_kinds=True)
    names = [each["name"] for each in run.ranked_strategies if each["kind"] == "sma_crossover"]
    assert names == ["Golden cross"]
    assert len(run.ranked_strategies) == len(kinds())


def test_the_chunks_of_a_ranking_are_consecutive(ranking: MakeRun) -> None:
    run = ranking(all_kinds=True)
    chunks = list(run.chunks.filter(universe="AAPL"))
    assert len(chunks) > 4
    assert [chunk.first for chunk in chunks[1:]] == [chunk.first + chunk.size for chunk in chunks[:-1]]
    assert sum(run.chunks.values_list("size", flat=True)) == run.combinations


# --- Too many combinations
# --------------------------------------------------------------------------------------------------


@given(st.integers(20, 120), st.integers(20, 120), st.integers(20, 120), st.sampled_from((1, 2, 5, 50)))
def test_the_suggested_step_is_accepted(fast: int, slow: int, signal: int, universes: int) -> None:
    ranges = {"fast": (2, 1 + fast, 1), "slow": (3, 2 + slow, 1), "signal": (2, 1 + signal, 1)}
    errors: dict[str, str] = {}
    grid = Grid.of(Macd, ranges, {})
    combinations_in(grid, "grid", None, universes, errors)
    assert bool(errors) == (grid.size * universes > MAX_COMBINATIONS)
    if errors:
        assert f"{grid.size * universes:,} combinations" in errors["grid"]
        assert "10,000 of them at random" in errors["grid"]
    if "use a step of" in errors.get("grid", ""):
        suggestion = errors["grid"].partition("use a step of ")[2].split()
        step, name = int(suggestion[0]), suggestion[2].strip(",")
        low, high, _ = ranges[name]
        again: dict[str, str] = {}
        combinations_in(Grid.of(Macd, ranges | {name: (low, high, step)}, {}), "grid", None, universes, again)
        assert again == {}


def test_a_grid_of_millions_can_be_searched_at_random(strategy: Strategy, search: MakeRun) -> None:
    Strategy.objects.update(kind="macd", parameters={})
    strategy.refresh_from_db()
    wide = {"fast": (2, 200, 1), "slow": (3, 400, 1), "signal": (2, 200, 1)}
    assert "15,761,198 combinations" in refused(search, grid=wide)["grid"]
    run = search(grid=wide, method="random", trials=1_000)
    assert run.combinations == 1_000


# --- Chunks -------------------------------------------------------------------------------------


@given(st.integers(1, 1_000_000), st.integers(1, 50))
def test_the_chunk_size_is_bounded(per_universe: int, universes: int) -> None:
    assert 50 <= chunk_size(per_universe, universes) <= 5_000


@pytest.mark.parametrize(("method", "trials"), [("grid", None), ("random", 700), ("tpe", 90)])
def test_the_chunks_of_a_universe_are_consecutive(search: MakeRun, method: str, trials: int | None) -> None:
    wide = {"fast": (5, 30, 1), "slow": (40, 90, 1)}
    run = search(symbols=["AAPL", "MSFT"], grid=wide, method=method, trials=trials)
    assert run.combinations == 2 * (trials or 26 * 51)
    for universe in ("AAPL", "MSFT"):
        chunks = list(run.chunks.filter(universe=universe).order_by("first"))
        assert [chunk.first for chunk in chunks[1:]] == [chunk.first + chunk.size for chunk in chunks[:-1]]
        assert chunks[0].first == 0
        assert sum(chunk.size for chunk in chunks) * 2 == run.combinations


def test_a_large_run_has_few_chunks(search: MakeRun) -> None:
    run = search(method="random", trials=1_000_000, grid={"fast": (2, 400, 1), "slow": (3, 400, 1)})
    assert run.combinations == 399 * 398
    assert run.chunks.count() == 32


def test_parameters_outside_the_grid_keep_the_values_of_the_strategy(search: MakeRun, strategy: Strategy) -> None:
    run = search(grid={"fast": (5, 30, 5)})
    assert (run.combinations, run.parameters) == (6, {"fast": 20, "slow": 50})
    assert run.grid == {"fast": [5, 30, 5]}


def test_an_empty_grid_uses_the_search_ranges_of_the_kind(search: MakeRun) -> None:
    run = search(grid={})
    assert set(run.grid) == {"fast", "slow"}
    assert run.combinations == 26 * 31


def test_the_run_is_a_snapshot(search: MakeRun, strategy: Strategy) -> None:
    run = search()
    save_strategy(
        strategy.user,
        strategy=strategy,
        name="Another",
        kind="sma_crossover",
        parameters={"fast": 2, "slow": 3},
        symbols=["IBM"],
        timeframe="1Day",
    )
    run.refresh_from_db()
    assert (run.strategy_name, run.parameters, run.symbols) == ("Golden cross", {"fast": 20, "slow": 50}, ["AAPL"])


def test_the_same_inputs_twice_create_two_runs(search: MakeRun) -> None:
    assert search().pk != search().pk
    assert OptimizerRun.objects.count() == 2


@pytest.mark.parametrize("holdout", [1e-300, 0.0006])
def test_a_holdout_without_a_session_is_refused(search: MakeRun, holdout: float) -> None:
    # 1,511 sessions from 2005 to 2010: 0.0006 of them is less than one.
    assert set(refused(search, holdout=holdout)) == {"holdout"}


def test_a_holdout_of_one_session_is_accepted(search: MakeRun) -> None:
    assert search(holdout=0.0007).holdout == 0.0007


@pytest.mark.parametrize("make", ["search", "ranking"])
def test_a_period_without_a_session_is_refused(make: str, request: pytest.FixtureRequest) -> None:
    weekend = {"start_date": date(2010, 1, 2), "end_date": date(2010, 1, 3)}
    assert set(refused(request.getfixturevalue(make), **weekend)) == {"start_date"}
