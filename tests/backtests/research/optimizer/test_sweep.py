"""A parameter sweep gives the same figures as many simulations, bit for bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtests.engine.simulation import Scenario, prepare_scenario
from backtests.research.optimizer import sweep as sweep_module
from backtests.research.optimizer.figures import FIGURES, without_yearly
from backtests.research.optimizer.grid import Combination
from backtests.research.optimizer.sweep import returns_of, sweep, sweep_trials
from backtests.research.robustness.trials import Trials, trial_of
from strategies.kinds import InvalidParameters, Kind, kinds
from strategies.kinds.base import Param
from strategies.kinds.rsi_mean_reversion import RsiMeanReversion
from strategies.kinds.sharing import Once, SharingKind
from strategies.kinds.sma_crossover import SmaCrossover
from tests.strategies.kinds.series import SHAPES, generated, kinds_within_search, stock
from tradedesk.core.bars import Bars, to_datetime
from tradedesk.core.metrics import calendar_days, is_yearly, session_ends, session_returns
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals

EVERY_KIND = pytest.mark.parametrize("kind", kinds().values(), ids=kinds().keys())
COSTS = Costs(commission_per_order=1.0, commission_bps=5.0, slippage_bps=3.0)
RULES = (
    RiskRules(stop_loss_pct=0.99),
    RiskRules(position_size_pct=0.4, max_positions=2, stop_loss_pct=0.05, take_profit_pct=0.1),
    RiskRules(
        position_size_pct=0.5, max_positions=2, daily_loss_limit=500.0, max_drawdown_pct=0.2, fractional=True
    ),
)
BATCHED_KINDS = [kind for kind in kinds().values() if kind.has_batch_signals()]


def figures_of(scenario: Scenario, kind: Kind) -> list[float]:
    """The expected row of the sweep, NaN for None."""
    metrics = scenario.simulate(kind).metrics
    values = [getattr(metrics, name) for name in FIGURES.names or ()]
    return [np.nan if value is None else value for value in values]


def assert_same_figures(scenario: Scenario, variants: list[Kind], **options: Any) -> None:
    found = sweep(scenario, type(variants[0]), [kind.parameters for kind in variants], **options)
    assert found.dtype == FIGURES
    shown = found if is_yearly(calendar_days(scenario.benchmark.time)) else without_yearly(found)
    for row, kind in zip(shown.tolist(), variants, strict=True):
        assert np.array_equal(row, figures_of(scenario, kind), equal_nan=True), kind


def scenario_on(symbols: str, rules: RiskRules, first: int = 0, count: int = 700) -> Scenario:
    bars = {symbol: stock(symbol)[1000 : 1000 + count] for symbol in symbols.split()}
    start = to_datetime(next(iter(bars.values())).time[first])
    return prepare_scenario(bars, capital=100_000.0, rules=rules, costs=COSTS, start=start)


@EVERY_KIND
@settings(max_examples=6)
@given(data=st.data())
def test_every_row_equals_a_simulation(kind: type[Kind], data: st.DataObject) -> None:
    variants = data.draw(st.lists(kinds_within_search(kind), min_size=1, max_size=4))
    rules = data.draw(st.sampled_from(RULES))
    symbols = data.draw(st.sampled_from(("AAPL", "IBM MSFT GOOG")))
    assert_same_figures(scenario_on(symbols, rules, data.draw(st.sampled_from((0, 150)))), variants)


@given(st.data(), st.sampled_from(sorted(SHAPES)), st.integers(0, 10**6), st.integers(1, 300))
@settings(max_examples=50)
@pytest.mark.parametrize("kind", BATCHED_KINDS)
def test_sides_computed_together_equal_those_computed_one_by_one(
    kind: type[Kind], data: st.DataObject, shape: str, seed: int, count: int
) -> None:
    variants = data.draw(st.lists(kinds_within_search(kind), min_size=1, max_size=5))
    bars = generated(shape, seed, count)
    together = kind.sides_in_batch(variants, bars)
    assert together is not None
    for side, one in zip(together, variants, strict=True):
        alone = one.signals_by_symbol({"X": bars})["X"]
        assert side.tolist() == alone.side.tolist()
        strengths = alone.strength[side != 0]
        assert (strengths >= kind.least_strength).all()
        assert (strengths <= 1.0).all()


def test_a_threshold_above_the_least_strength_and_the_order_of_several_symbols_read_the_strengths() -> None:
    variants: list[Kind] = [RsiMeanReversion(period=5), RsiMeanReversion(period=8, oversold=40.0)]
    above = RiskRules(signal_threshold=0.7)
    assert_same_figures(scenario_on("AAPL", above), variants)
    at_least = sweep(scenario_on("AAPL", RiskRules()), RsiMeanReversion, [kind.parameters for kind in variants])
    assert sweep(scenario_on("AAPL", above), RsiMeanReversion, [{"period": 5}])["trades"] < at_least["trades"][0]
    assert_same_figures(scenario_on("AAPL IBM MSFT GOOG", RiskRules()), variants)


@pytest.mark.parametrize("symbols", ["AAPL", "IBM MSFT"])
def test_the_trials_of_a_sweep_are_those_of_single_results(symbols: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_module, "MAX_TOGETHER", 2)
    scenario = scenario_on(symbols, RULES[1], 150)
    variants = [SmaCrossover(fast=5, slow=slow) for slow in (20, 30, 40, 30, 50)]
    figures, found = sweep_trials(scenario, SmaCrossover, [kind.parameters for kind in variants])
    single = Trials.joined([trial_of(scenario, scenario.simulate(kind)) for kind in variants])
    assert found.sharpe == pytest.approx(single.sharpe, rel=1e-12)
    assert found.sharpe * 252**0.5 == pytest.approx(figures["sharpe"], rel=1e-12)
    assert found.hashes.tolist() == single.hashes.tolist()
    assert len(set(found.hashes.tolist())) == 4
    assert found.maxima.tobytes() == single.maxima.tobytes()


def test_only_kinds_with_inherited_signals_are_batched_with_their_parent() -> None:
    assert {kind.key for kind in kinds().values()} - {kind.key for kind in BATCHED_KINDS} == {
        "buy_and_hold",
        "momentum_rotation",
    }
    assert Renamed.has_batch_signals()
    assert not Contrary.has_batch_signals()


class Renamed(SmaCrossover):
    """The signals of its parent under another name."""

    key, name = "renamed", "Renamed"


class Contrary(SmaCrossover):
    """Sells where its parent buys."""

    key, name = "contrary", "Contrary"

    def signals(self, bars: Bars) -> Signals:
        own = super().signals(bars)
        return Signals(-own.side, own.strength, own.lines)


def test_a_kind_that_overrides_the_signals_of_its_parent_is_swept_with_its_own() -> None:
    assert_same_figures(scenario_on("AAPL", RULES[0]), [Contrary(fast=5, slow=20), Contrary(fast=10, slow=30)])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_size_of_the_batches_does_not_matter(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = scenario_on("AAPL", RULES[1])
    variants: list[Kind] = [SmaCrossover(fast=fast, slow=50) for fast in range(5, 30)]
    assert_same_figures(scenario, variants, threads=threads)
    monkeypatch.setattr(sweep_module, "MAX_TOGETHER", 7)
    assert_same_figures(scenario, variants, threads=threads)
    monkeypatch.setattr(sweep_module, "MAX_CELLS", 1)
    assert_same_figures(scenario, variants, threads=threads)


def test_session_returns_are_those_of_the_simulation() -> None:
    scenario = scenario_on("AAPL", RULES[0], first=100)
    variants = [SmaCrossover(fast=fast, slow=40) for fast in (5, 10, 20)]
    found = returns_of(scenario, SmaCrossover, [kind.parameters for kind in variants])
    assert found.shape == (600, 3)
    for column, kind in zip(found.T, variants, strict=True):
        result = scenario.simulate(kind).result
        expected = session_returns(result.equity[session_ends(result.time)], scenario.capital)
        assert column.tolist() == expected.tolist()


def test_the_later_returns_of_an_account_that_went_to_zero_are_0() -> None:
    bars = {"X": stock("AAPL")[:300]}
    costs = Costs(commission_per_order=600.0)
    scenario = prepare_scenario(bars, capital=1_000.0, rules=RiskRules(stop_loss_pct=0.99), costs=costs)
    found = returns_of(scenario, SmaCrossover, [{"fast": 5, "slow": 10}])
    assert (scenario.simulate(SmaCrossover(fast=5, slow=10)).result.equity[-1]) <= 0.0
    last = int(np.flatnonzero(found[:, 0] <= -1.0)[0])
    assert found[last + 1 :, 0].tolist() == [0.0] * (299 - last)
    assert_same_figures(scenario, [SmaCrossover(fast=5, slow=10)])


def test_a_sweep_can_be_empty() -> None:
    scenario = scenario_on("AAPL", RULES[0])
    assert len(sweep(scenario, SmaCrossover, [])) == 0
    assert returns_of(scenario, SmaCrossover, [], threads=2).shape == (700, 0)


@pytest.mark.parametrize("count", [1, 20, 31])
def test_with_too_few_bars_there_are_no_trades(count: int) -> None:
    scenario = scenario_on("AAPL", RULES[0], count=count)
    (row,) = sweep(scenario, SmaCrossover, [{"fast": 10, "slow": 30}])
    assert (row["trades"], row["total_return"], row["exposure"]) == (0, 0.0, 0.0)
    assert np.isnan(row["sharpe"])
    assert_same_figures(scenario, [SmaCrossover()])


def test_a_sweep_without_bars_equals_a_simulation_without_bars() -> None:
    bars = stock("AAPL")
    before = to_datetime(bars.time[0] - np.timedelta64(1, "D"))
    scenario = prepare_scenario({"AAPL": bars}, capital=1_000.0, rules=RULES[0], costs=COSTS, end=before)
    assert_same_figures(scenario, [SmaCrossover()])
    assert returns_of(scenario, SmaCrossover, [{}]).shape == (0, 1)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_combination_that_the_kind_refuses_is_an_error(threads: int) -> None:
    with pytest.raises(InvalidParameters):
        sweep(scenario_on("AAPL", RULES[0]), SmaCrossover, [{}, {"fast": 40, "slow": 30}], threads=threads)


def test_a_period_too_short_for_yearly_figures_is_ranked_by_those_of_the_period() -> None:
    scenario = scenario_on("AAPL", RULES[0], count=60)
    combinations: list[Combination] = [{"fast": fast, "slow": 12} for fast in (2, 3, 4, 5)]
    found = sweep(scenario, SmaCrossover, combinations)
    returns = returns_of(scenario, SmaCrossover, combinations)
    assert np.allclose(found["sharpe"], returns.mean(axis=0) / returns.std(axis=0, ddof=1))
    assert found["cagr"].tolist() == found["total_return"].tolist()
    assert np.isnan(without_yearly(found)["sharpe"]).all()
    assert without_yearly(found)["total_return"].tolist() == found["total_return"].tolist()


class Weak(SharingKind):
    """Buys and sells by turns, below the threshold. It does not state its least_strength."""

    key, name, description = "weak", "Weak", "By turns."
    turn = Param(4, low=1, high=50, step=1, search=(1, 50, 1), label="Turn", help="Bars of a turn.")

    def warmup(self) -> int:
        return 1

    def decide(self, bars: Bars, once: Once) -> Signals:
        side = np.where(np.arange(len(bars)) // self.turn % 2, -1, 1).astype(np.int8)
        return Signals(side, np.full(len(bars), 0.3))

    def explain(self, signals: Signals, t: int) -> str:
        return "It is its turn."


def test_a_plugin_with_weak_signals_is_searched_as_it_is_backtested() -> None:
    scenario = scenario_on("AAPL", RULES[0])
    assert_same_figures(scenario, [Weak(turn=turn) for turn in (4, 7)])
    assert sweep(scenario, Weak, [{"turn": 4}])["trades"].tolist() == [0]


@EVERY_KIND
def test_the_signals_of_a_batch_are_full(kind: Any) -> None:
    if issubclass(kind, SharingKind):
        assert kind.sides_in_batch([kind()], stock("AAPL")) is not None
