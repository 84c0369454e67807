from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from backtests.engine.price_matrix import make_price_matrix
from backtests.engine.run import run
from backtests.engine.simulation import buy_and_hold, prepare_scenario, simulate
from tests.backtests.scripted import Scripted, bars_of, day, days, flat, signals_of
from tradedesk.core.bars import InvalidBars
from tradedesk.core.metrics import measure
from tradedesk.core.rules import Costs, RiskRules

PRICES = (10.0, 10.0, 12.0, 11.0, 13.0, 14.0, 12.0, 15.0)
BARS = {"X": bars_of(flat(*PRICES))}
SCRIPT = Scripted({"X": signals_of(8, buy=[0, 4], sell=[2])})
RULES = RiskRules(stop_loss_pct=0.5)
COSTS = Costs(commission_per_order=1.0, slippage_bps=10.0)


def test_a_simulation_runs_and_measures_the_signals_of_the_kind() -> None:
    simulation = simulate(SCRIPT, BARS, capital=1_000.0, rules=RULES, costs=COSTS)
    expected = run(BARS, SCRIPT.script, capital=1_000.0, rules=RULES, costs=COSTS)
    assert simulation.result.trades == expected.trades
    assert simulation.result.open_positions == expected.open_positions
    assert simulation.result.equity.tolist() == expected.equity.tolist()
    assert simulation.signals["X"].side.tolist() == SCRIPT.script["X"].side.tolist()
    (trade,) = expected.trades
    assert simulation.metrics == measure(
        expected.time,
        expected.equity,
        capital=1_000.0,
        pnl=np.array([trade.pnl]),
        r_multiples=np.array([trade.r_multiple]),
        exposure=expected.exposure,
        benchmark=simulation.benchmark.equity,
    )


def test_open_positions_are_in_the_equity_and_not_in_the_trade_metrics() -> None:
    figures = simulate(SCRIPT, BARS, capital=1_000.0, rules=RULES, costs=Costs()).metrics
    # 95 shares from 10 to 11; then 1,095 x 0.95 / 13 = 80 shares, the cash can pay for 78, held from 14 to 15
    assert figures.trades == 1
    assert figures.expectancy == 95.0
    assert figures.win_rate == 1.0
    assert figures.final_equity == 1_095.0 + 78.0
    assert figures.exposure == 6 / 8


# The period


def test_the_kind_gets_the_bars_before_the_start_and_none_after_the_end() -> None:
    kind = Scripted(SCRIPT.script)
    simulation = simulate(kind, BARS, capital=1_000.0, rules=RULES, costs=Costs(), start=day(3), end=day(6))
    assert kind.seen["X"].time.tolist() == days(8)[:7].tolist()
    assert len(simulation.signals["X"]) == 7
    assert simulation.result.time.tolist() == days(8)[3:7].tolist()
    assert [position.entry_time for position in simulation.result.open_positions] == [day(5)]
    assert simulation.result.trades == [], "the BUY of day 0 is before the start"


def test_start_and_end_are_included() -> None:
    at: dict[str, Any] = {"capital": 1_000.0, "rules": RULES, "costs": Costs()}
    assert len(simulate(SCRIPT, BARS, **at, end=day(6)).result.time) == 7
    assert len(simulate(SCRIPT, BARS, **at, end=day(6) - timedelta(seconds=1)).result.time) == 6
    assert len(simulate(SCRIPT, BARS, **at, start=day(6)).result.time) == 2
    assert len(simulate(SCRIPT, BARS, **at, start=day(6) + timedelta(seconds=1)).result.time) == 1


def test_a_start_after_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match="start is after the end"):
        simulate(SCRIPT, BARS, capital=1.0, rules=RULES, costs=Costs(), start=day(3), end=day(2))


def test_a_period_without_bars_keeps_the_capital() -> None:
    simulation = simulate(SCRIPT, BARS, capital=1_000.0, rules=RULES, costs=Costs(), start=day(50))
    assert len(simulation.result.equity) == len(simulation.benchmark.equity) == 0
    assert simulation.metrics.final_equity == 1_000.0
    assert simulation.metrics.buy_and_hold_return is None


def test_a_symbol_without_bars_up_to_the_end_is_left_out() -> None:
    bars = {"X": BARS["X"], "LATE": bars_of(flat(*[5.0] * 3), days(8)[5:])}
    kind = Scripted({"X": SCRIPT.script["X"], "LATE": signals_of(3, buy=[0])})
    simulation = simulate(kind, bars, capital=1_000.0, rules=RULES, costs=Costs(), end=day(4))
    assert list(kind.seen) == ["X"]
    alone = simulate(SCRIPT, BARS, capital=1_000.0, rules=RULES, costs=Costs(), end=day(4))
    assert simulation.metrics == alone.metrics


# Buy and hold


def test_buy_and_hold_is_what_a_buy_on_every_bar_gives() -> None:
    late, dear = days(8)[3:], [(500.0,) * 4] * 4 + [(20.0,) * 4] * 4
    rules = RiskRules(position_size_pct=0.95 / 3, max_positions=3, stop_loss_pct=None, signal_threshold=0.0)
    for bars in (
        {"X": BARS["X"], "LATE": bars_of(flat(*[5.0] * 5), late), "LAST": bars_of(flat(9.0), days(8)[7:])},
        {"X": BARS["X"], "DEAR": bars_of(dear), "LATE": bars_of(flat(*[5.0] * 5), late)},
    ):
        every = {symbol: signals_of(len(own), buy=range(len(own))) for symbol, own in bars.items()}
        for start in (None, day(2)):
            at: dict[str, Any] = {"capital": 1_000.0, "rules": rules, "costs": COSTS, "start": start}
            held, expected = buy_and_hold(make_price_matrix(bars), **at), run(bars, every, **at)
            assert held.equity.tolist() == expected.equity.tolist()
            assert held.open_positions == expected.open_positions
            assert held.buy_signals == expected.buy_signals


def test_one_symbol_is_bought_with_95_percent_at_the_open_after_the_first_close_and_kept() -> None:
    rows = [(10, 10, 10, 10), (10.5, 11, 0.3, 11), (12, 12, 12, 12)]
    bars = {"X": bars_of(rows)}
    held = simulate(
        Scripted({"X": signals_of(3)}), bars, capital=1_000.0, rules=RULES, costs=Costs(commission_per_order=1.0)
    )
    # 950 / 10 = 95 shares ordered, 95 x 10.5 + 1 paid; a fall to 0.3 in the bar sells nothing
    (position,) = held.benchmark.open_positions
    assert (position.quantity, position.entry_time, position.entry_price) == (95.0, day(1), 10.5)
    assert held.benchmark.equity.tolist() == [1_000.0, 1.5 + 95 * 11, 1.5 + 95 * 12]
    assert held.metrics.buy_and_hold_return == pytest.approx(0.1415)
    assert held.metrics.beta == pytest.approx(0.0)


def test_buy_and_hold_begins_in_the_period() -> None:
    simulation = simulate(SCRIPT, BARS, capital=1_000.0, rules=RULES, costs=Costs(), start=day(2))
    (position,) = simulation.benchmark.open_positions
    assert (position.entry_time, position.entry_price, position.quantity) == (day(3), 11.0, 79.0)
    assert len(simulation.benchmark.equity) == len(simulation.result.equity)


def test_buy_and_hold_divides_the_equity_equally_whatever_the_rules() -> None:
    bars = {"A": bars_of(flat(10, 10, 20)), "B": bars_of(flat(40, 40, 40)), "C": bars_of(flat(5, 5), days(3)[1:])}
    script = Scripted({symbol: signals_of(len(own)) for symbol, own in bars.items()})
    rules = RiskRules(position_size_pct=0.02, max_positions=1, take_profit_pct=0.01, daily_loss_limit=1.0)
    held = simulate(script, bars, capital=12_000.0, rules=rules, costs=Costs()).benchmark
    # 0.95 / 3 of 12,000 is 3,800; C comes a day later, when the equity is still 12,000
    assert [(p.symbol, p.quantity, p.entry_time) for p in held.open_positions] == [
        ("A", 380.0, day(1)),
        ("B", 95.0, day(1)),
        ("C", 760.0, day(2)),
    ]
    assert held.equity.tolist() == [12_000.0, 12_000.0, 15_800.0]


def test_buy_and_hold_equals_a_run_with_buy_signals_only() -> None:
    buys = {"X": signals_of(8, buy=range(8))}
    rules = RiskRules(position_size_pct=0.95, stop_loss_pct=0.99)
    expected = run(BARS, buys, capital=1_000.0, rules=rules, costs=COSTS)
    scenario = prepare_scenario(BARS, capital=1_000.0, rules=RULES, costs=COSTS)
    assert scenario.benchmark.equity.tolist() == expected.equity.tolist()
    whole = buy_and_hold(scenario.matrix, capital=1_000.0, rules=RULES, costs=COSTS)
    part = buy_and_hold(scenario.matrix, capital=1_000.0, rules=replace(RULES, fractional=True), costs=COSTS)
    assert whole.held["quantity"] == [95]
    assert part.held["quantity"] == [95.0]
    divided = buy_and_hold(scenario.matrix, capital=1_001.0, rules=replace(RULES, fractional=True), costs=COSTS)
    assert divided.held["quantity"] == [95.095]


# Many simulations in one scenario


def test_simulations_in_one_scenario_equal_separate_ones() -> None:
    scenario = prepare_scenario(BARS, capital=1_000.0, rules=RULES, costs=COSTS, start=day(1), end=day(6))
    for buy, sell in (([1], [3]), ([2], []), ([], [])):
        kind = Scripted({"X": signals_of(8, buy, sell)})
        alone = simulate(kind, BARS, capital=1_000.0, rules=RULES, costs=COSTS, start=day(1), end=day(6))
        assert scenario.simulate(kind).metrics == alone.metrics
        assert scenario.evaluate({"X": signals_of(7, buy, sell)}).result.trades == alone.result.trades


# Invalid input


def test_invalid_bars_are_refused_with_symbol_and_row() -> None:
    bad = bars_of(flat(10, 10, 10))
    bad.close[1] = np.nan
    with pytest.raises(InvalidBars) as error:
        simulate(SCRIPT, {"OK": BARS["X"], "BAD": bad}, capital=1.0, rules=RULES, costs=Costs())
    assert str(error.value).startswith("BAD: Row 1 (2024-01-02 05:00)")


def test_capital_must_be_positive() -> None:
    with pytest.raises(ValueError, match="capital must be a positive amount"):
        simulate(SCRIPT, BARS, capital=0.0, rules=RULES, costs=Costs())
