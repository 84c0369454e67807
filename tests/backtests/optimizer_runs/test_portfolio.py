"""A search of several symbols: each symbol alone, all as the portfolio that the strategy trades, or both."""

from datetime import date

import pytest

from backtests.models import ALL_SYMBOLS, OptimizerRun
from backtests.services.optimizer import InvalidRun, estimate, open_as_backtest, ranked, universes_of
from backtests.services.optimizer.universes import universe_keys
from backtests.services.run import run_backtest
from strategies.models import Strategy
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun, work_through

ONE, TWO = ["AAPL"], ["AAPL", "MSFT"]


@pytest.mark.parametrize(
    ("symbols", "kinds", "scope", "keys"),
    [
        (TWO, {"sma_crossover"}, "each", TWO),
        (TWO, {"sma_crossover"}, "portfolio", [ALL_SYMBOLS]),
        (TWO, {"sma_crossover"}, "both", [*TWO, ALL_SYMBOLS]),
        (ONE, {"sma_crossover"}, "portfolio", ONE),
        (ONE, {"sma_crossover"}, "both", ONE),
        (TWO, {"momentum_rotation"}, "each", [ALL_SYMBOLS]),
        (TWO, {"momentum_rotation"}, "both", [ALL_SYMBOLS]),
        (TWO, {"momentum_rotation", "sma_crossover"}, "each", [*TWO, ALL_SYMBOLS]),
    ],
)
def test_the_universes_of_a_scope(symbols: list[str], kinds: set[str], scope: str, keys: list[str]) -> None:
    assert universe_keys(symbols, kinds, scope) == keys


def test_a_row_of_a_portfolio_is_the_backtest_of_all_its_symbols(
    search: MakeRun, strategy: Strategy, clock: Clock
) -> None:
    grid = {"fast": (20, 20, 1), "slow": (50, 60, 10)}
    run = work_through(search(symbols=TWO, scope="both", grid=grid, holdout=0.0), clock)
    assert run.status == OptimizerRun.Status.COMPLETED
    assert [(each.key, each.label) for each in universes_of(run)] == [
        ("AAPL", "AAPL"),
        ("MSFT", "MSFT"),
        (ALL_SYMBOLS, "All 2 symbols"),
    ]
    assert run.combinations == 3 * 2
    row = ranked(run, ALL_SYMBOLS)[0]
    backtest = open_as_backtest(row, NOW)
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert backtest.symbols == TWO
    assert backtest.rules["max_positions"] == 2
    assert {trade.symbol for trade in backtest.trades.all()} == set(TWO)
    assert backtest.metrics["total_return"] == pytest.approx(row.figures["total_return"], abs=1e-12)
    assert backtest.metrics["trades"] == row.figures["trades"]


def test_an_unknown_scope_is_refused(search: MakeRun) -> None:
    with pytest.raises(InvalidRun) as refusal:
        search(scope="all")
    assert set(refusal.value.errors) == {"scope"}


def test_the_estimate_counts_every_universe(strategy: Strategy) -> None:
    found = {
        scope: estimate(
            strategy,
            symbols=TWO,
            start_date=date(2005, 1, 3),
            end_date=date(2010, 12, 31),
            method="grid",
            grid={"fast": (5, 30, 5), "slow": (20, 60, 10)},
            scope=scope,
        )
        for scope in OptimizerRun.Scope.values
    }
    assert {scope: each.combinations for scope, each in found.items()} == {"each": 52, "portfolio": 26, "both": 78}
    assert all(each.seconds for each in found.values())
