"""What a run may be asked for, and what it is split into."""

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


def test_every_refusal_comes_at_once(search: MakeRun) -> None:
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
    named = {
        "grid.fast",
        "symbols",
        "objective",
        "min_trades",
        "holdout",
        "initial_capital",
        "seed",
        "stop_loss_pct",
    }
    assert named == set(errors)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"grid": {"fast": (30, 5, 1)}}, "grid.fast", "Fast average runs from 30 down to 5: swap the two."),
        ({"grid": {"fast": (1, 5, 1)}}, "grid.fast", "Fast average must be between 2 and 400."),
        ({"grid": {"fast": (5, 30, 0)}}, "grid.fast", "The step of Fast average must be above 0."),
        ({"grid": {"fast": (5, 30, 1e-320)}}, "grid.fast", "The step of Fast average must be a whole number."),
        ({"grid": {"pace": (5, 30, 1)}}, "grid.pace", "SMA crossover has no parameter “pace”."),
        ({"grid": {"fast": (60, 70, 1)}}, "grid", "None of these combinations fits. "),
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
        ({"objective": "weighted", "weights": {"deflated_sharpe": 1.0}}, "weights", "There is no weight “luck”."),
        ({"objective": "weighted", "weights": {"sharpe": float("nan")}}, "weights", "Each weight must be"),
        ({"holdout": float("nan")}, "holdout", "The part that is held back must be between 0 and 0.9."),
        ({"symbols": [f"S{n}" for n in range(200)]}, "symbols", "At most 50 symbols, not 200."),
        ({"end_date": date(2005, 1, 3)}, "end_date", "The end must be later than the start, 2005-01-03."),
        ({"end_date": date(1999, 1, 3), "start_date": date(1998, 1, 3)}, "end_date", "There are no bars from"),
        ({"slippage_bps": -1.0}, "slippage_bps", "slippage_bps"),
        (
            {"symbols": ["AAPL", "FB", "MSFT"]},
            "symbols",
            "There are no bars from 2005-01-03 to 2010-12-31 of FB. Bars: FB 2012-05-18 to",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused_at_its_field(
    search: MakeRun, changes: dict[str, Any], field: str, words: str
) -> None:
    found = refused(search, **changes)
    assert words in found[field]


def test_a_kind_that_is_gone_or_has_nothing_to_search_is_refused(search: MakeRun, strategy: Strategy) -> None:
    Strategy.objects.update(kind="buy_and_hold", parameters={})
    strategy.refresh_from_db()
    assert refused(search) == {"strategy": "“Golden cross” has no parameters to search."}
    Strategy.objects.update(kind="my_own")
    strategy.refresh_from_db()
    assert refused(search) == {"strategy": "“Golden cross” cannot run: its kind is not installed."}


def test_nothing_to_rank_and_what_cannot_run_are_refused(ranking: MakeRun, strategy: Strategy) -> None:
    assert refused(ranking, strategies=[])["strategies"].startswith("Choose at least one strategy")
    strategy.parameters = {"fast": 50, "slow": 20}
    assert refused(ranking, strategies=[strategy])["strategies"].startswith("“Golden cross” cannot run.")


def test_what_trades_another_timeframe_is_not_ranked(ranking: MakeRun, strategy: Strategy) -> None:
    strategy.timeframe = "5Min"
    said = refused(ranking, strategies=[strategy])["strategies"]
    assert said == "“Golden cross” trades 5Min bars and not 1Day. Leave it out, or rank on its timeframe."


def test_a_ranking_refuses_a_symbol_that_starts_later(ranking: MakeRun) -> None:
    assert "of FB." in refused(ranking, symbols=["AAPL", "FB"])["symbols"]


def test_a_kind_takes_part_once_with_the_same_parameters(ranking: MakeRun, strategy: Strategy) -> None:
    strategy.parameters = {}
    run = ranking(strategies=[strategy], all_kinds=True)
    of_its_kind = [each["name"] for each in run.candidate_strategies if each["kind"] == "sma_crossover"]
    assert of_its_kind == ["Golden cross"]
    assert len(run.candidate_strategies) == len(kinds())


def test_a_ranking_is_cut_into_chunks_that_follow_each_other(ranking: MakeRun) -> None:
    run = ranking(all_kinds=True)
    chunks = list(run.chunks.filter(universe="AAPL"))
    assert len(chunks) > 4
    assert [chunk.first for chunk in chunks[1:]] == [chunk.first + chunk.size for chunk in chunks[:-1]]
    assert sum(run.chunks.values_list("size", flat=True)) == run.combinations


# --- Too many --------------------------------------------------------------------------------------------------


@given(st.integers(20, 120), st.integers(20, 120), st.integers(20, 120), st.sampled_from((1, 2, 5, 50)))
def test_the_step_that_is_suggested_is_one_that_is_taken(
    fast: int, slow: int, signal: int, universes: int
) -> None:
    ranges = {"fast": (2, 1 + fast, 1), "slow": (3, 2 + slow, 1), "signal": (2, 1 + signal, 1)}
    errors: dict[str, str] = {}
    grid = Grid.of(Macd, ranges, {})
    combinations_in(grid, "grid", None, universes, errors)
    assert bool(errors) == (grid.size * universes > MAX_COMBINATIONS)
    if errors:
        assert f"{grid.size * universes:,} combinations" in errors["grid"]
        assert "10,000 of them at random" in errors["grid"]
    if "take a step of" in errors.get("grid", ""):
        words = errors["grid"].partition("take a step of ")[2].split()
        step, name = int(words[0]), words[2].strip(",")
        low, high, _ = ranges[name]
        again: dict[str, str] = {}
        combinations_in(Grid.of(Macd, ranges | {name: (low, high, step)}, {}), "grid", None, universes, again)
        assert again == {}


def test_of_a_grid_of_billions_some_are_tried_at_random(strategy: Strategy, search: MakeRun) -> None:
    Strategy.objects.update(kind="macd", parameters={})
    strategy.refresh_from_db()
    wide = {"fast": (2, 200, 1), "slow": (3, 400, 1), "signal": (2, 200, 1)}
    assert "15,761,198 combinations" in refused(search, grid=wide)["grid"]
    run = search(grid=wide, method="random", trials=1_000)
    assert run.combinations == 1_000


# --- What it is split into -------------------------------------------------------------------------------------


@given(st.integers(1, 1_000_000), st.integers(1, 50))
def test_a_chunk_is_neither_tiny_nor_huge(per_universe: int, universes: int) -> None:
    assert 50 <= chunk_size(per_universe, universes) <= 5_000


@pytest.mark.parametrize(("method", "trials"), [("grid", None), ("random", 700), ("tpe", 90)])
def test_the_chunks_of_a_market_follow_each_other_without_a_gap(
    search: MakeRun, method: str, trials: int | None
) -> None:
    wide = {"fast": (5, 30, 1), "slow": (40, 90, 1)}
    run = search(symbols=["AAPL", "MSFT"], grid=wide, method=method, trials=trials)
    assert run.combinations == 2 * (trials or 26 * 51)
    for universe in ("AAPL", "MSFT"):
        chunks = list(run.chunks.filter(universe=universe).order_by("first"))
        assert [chunk.first for chunk in chunks[1:]] == [chunk.first + chunk.size for chunk in chunks[:-1]]
        assert chunks[0].first == 0
        assert sum(chunk.size for chunk in chunks) * 2 == run.combinations


def test_a_million_combinations_are_a_few_hundred_rows(search: MakeRun) -> None:
    run = search(method="random", trials=1_000_000, grid={"fast": (2, 400, 1), "slow": (3, 400, 1)})
    assert run.combinations == 399 * 398
    assert run.chunks.count() == 32


def test_parameters_outside_the_grid_stay_as_the_strategy_has_them(search: MakeRun, strategy: Strategy) -> None:
    run = search(grid={"fast": (5, 30, 5)})
    assert (run.combinations, run.parameters) == (6, {"fast": 20, "slow": 50})
    assert run.grid == {"fast": [5, 30, 5]}


def test_an_empty_grid_is_the_kinds_own(search: MakeRun) -> None:
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


def test_the_same_run_twice_is_two_runs(search: MakeRun) -> None:
    assert search().pk != search().pk
    assert OptimizerRun.objects.count() == 2
