"""The JSON of the charts has the figures of the bars, the kind and the trades."""

from datetime import date

import numpy as np
import pytest

from backtests import charts
from backtests.models import Backtest, BacktestCurve
from backtests.services import run_backtest
from strategies.kinds.sma_crossover import SmaCrossover
from strategies.models import Strategy
from tests.backtests.runs import Clock, Make
from tradedesk.core.bars import session_dates
from tradedesk.core.metrics import session_returns, sharpe_ratio
from tradedesk.marketdata import chart_columns
from tradedesk.marketdata.library import NoBars, load_bars
from tradedesk.marketdata.models import BarSeries


def days(times: list[int]) -> list[str]:
    return [str(day) for day in np.array(times, "datetime64[D]")]


def test_the_equity_chart_has_every_session(completed: Backtest) -> None:
    chart = charts.equity_chart(completed)
    curve = completed.curve
    assert chart["equity"] == pytest.approx(curve.equity, abs=0.006)
    assert chart["benchmark"] == pytest.approx(curve.buy_and_hold, abs=0.006)
    assert (chart["unit"], chart["benchmark_name"]) == ("day", "Equal-weight hold")
    times = days(chart["time"])
    assert (times[0], times[-1], len(times)) == ("2005-01-03", "2010-12-31", len(curve.time))
    assert times == sorted(set(times))
    assert len(chart["drawdown"]) == len(times)


def test_the_max_drawdown_equals_the_metric(completed: Backtest) -> None:
    drawdown = charts.equity_chart(completed)["drawdown"]
    assert max(drawdown) <= 0
    assert min(drawdown) == pytest.approx(-100 * completed.metrics["max_drawdown"], abs=0.006)


def test_a_drawdown_counts_from_the_capital(completed: Backtest) -> None:
    BacktestCurve.objects.filter(backtest=completed).update(
        time=[0, 86400], equity=[90_000, 95_000], buy_and_hold=[1, 1]
    )
    assert charts.equity_chart(completed)["drawdown"] == [-10, -5]


def test_a_queued_backtest_has_empty_charts(make: Make) -> None:
    chart = charts.equity_chart(make())
    assert [chart[name] for name in ("time", "equity", "benchmark", "drawdown")] == [[], [], [], []]


def test_the_price_chart_has_the_bars_of_the_period(completed: Backtest) -> None:
    chart = charts.price_chart(completed, "MSFT")
    start, end = completed.period
    bars = load_bars(None, "MSFT", "1Day").since(start).until(end)
    assert days(chart["bars"]["time"]) == session_dates(bars.time).astype(str).tolist()
    for name in ("open", "high", "low", "close"):
        assert chart["bars"][name] == pytest.approx(getattr(bars, name), abs=1e-4)
    assert chart["bars"]["volume"] == pytest.approx(bars.volume, abs=0.5)


def test_indicator_lines_use_the_bars_before_the_period(completed: Backtest) -> None:
    lines = charts.price_chart(completed, "AAPL")["lines"]
    start, end = completed.period
    whole = load_bars(None, "AAPL", "1Day").until(end)
    signals = SmaCrossover(fast=20, slow=50).signals(whole)
    first = len(whole) - len(whole.since(start))
    assert [line["name"] for line in lines] == list(signals.lines)
    assert {line["pane"] for line in lines} == {0}
    for line in lines:
        assert line["values"] == pytest.approx(signals.lines[line["name"]][first:], abs=1e-4)


def test_an_oscillator_has_its_own_pane_and_starts_with_a_gap(
    make: Make, strategy: Strategy, clock: Clock
) -> None:
    strategy.kind, strategy.parameters = "rsi_mean_reversion", {}
    backtest = make(strategy=strategy, symbols=["FB"], start_date=date(2012, 5, 18), end_date=date(2012, 12, 31))
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    (line,) = charts.price_chart(backtest, "FB")["lines"]
    assert line["pane"] == 1
    # The RSI of 14 periods has its first value at the 15th bar.
    assert [value is None for value in line["values"][:16]] == [True] * 14 + [False] * 2


def test_entries_and_exits_are_fills(completed: Backtest) -> None:
    chart = charts.price_chart(completed, "AAPL")
    fills = chart["fills"]
    expected = []
    for trade in completed.trades.filter(symbol="AAPL"):
        expected.append((f"{trade.entry_time:%Y-%m-%d}", "buy", float(trade.entry_price), trade.pk))
        if trade.exit_time:
            expected.append((f"{trade.exit_time:%Y-%m-%d}", "sell", float(trade.exit_price), trade.pk))
    numbers = [chart["trades"]["id"][row] for row in fills["trade"]]
    found = zip(days(fills["time"]), fills["side"], fills["price"], numbers, strict=True)
    assert sorted(found) == sorted(expected)
    assert {"Buy signal", "Sell signal", "Stop loss reached"} >= set(fills["text"])
    assert fills["time"] == sorted(fills["time"])


def test_a_kind_that_is_not_installed_has_no_lines(completed: Backtest) -> None:
    Backtest.objects.update(kind="not_installed")
    completed.refresh_from_db()
    chart = charts.price_chart(completed, "AAPL")
    assert chart["lines"] == []
    assert chart["bars"]["time"]
    assert chart["fills"]["time"]


def test_a_symbol_without_bars_in_the_period_has_an_empty_chart(make: Make, clock: Clock) -> None:
    backtest = make(symbols=["AAPL", "FB"])
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    chart = charts.price_chart(backtest, "FB")
    assert (chart["bars"]["time"], chart["lines"], chart["trades"]["id"], chart["fills"]["time"]) == (
        [],
        [],
        [],
        [],
    )


def test_missing_bars_are_named(completed: Backtest) -> None:
    BarSeries.objects.filter(symbol="AAPL").delete()
    with pytest.raises(NoBars, match="AAPL"):
        charts.price_chart(completed, "MSFT")


def test_a_long_history_has_fewer_points(completed: Backtest, monkeypatch: pytest.MonkeyPatch) -> None:
    exact, exact_equity = charts.price_chart(completed, "AAPL"), charts.equity_chart(completed)
    monkeypatch.setattr(chart_columns, "MAX_POINTS", 100)
    chart, equity = charts.price_chart(completed, "AAPL"), charts.equity_chart(completed)
    bars, all_bars = chart["bars"], exact["bars"]
    assert 90 < len(bars["time"]) <= 100
    assert bars["time"] == sorted(set(bars["time"]))
    # Extremes, sums and ends are kept, and every fill is at a point of the chart.
    assert (max(bars["high"]), min(bars["low"])) == (max(all_bars["high"]), min(all_bars["low"]))
    assert (bars["open"][0], bars["close"][-1]) == (all_bars["open"][0], all_bars["close"][-1])
    assert sum(bars["volume"]) == pytest.approx(sum(all_bars["volume"]), rel=1e-6)
    assert len(chart["fills"]["time"]) == len(exact["fills"]["time"])
    assert set(chart["fills"]["time"]) <= set(bars["time"])
    assert min(equity["drawdown"]) == min(exact_equity["drawdown"])
    assert equity["equity"][-1] == exact_equity["equity"][-1]
    assert len(equity["equity"]) <= 100


def test_trades_span_from_entry_to_exit_with_their_levels(make: Make, clock: Clock) -> None:
    backtest = make(symbols=["AAPL"], take_profit_pct=0.2)
    run_backtest(backtest.pk, clock)
    columns = charts.price_chart(backtest, "AAPL")["trades"]
    trades = list(backtest.trades.order_by("entry_time"))
    assert columns["id"] == [trade.pk for trade in trades]
    assert days(columns["entry_time"]) == [f"{trade.entry_time:%Y-%m-%d}" for trade in trades]
    # The last one is still open.
    assert columns["exit_time"][-1] is None
    assert days(columns["exit_time"][:-1]) == [f"{trade.exit_time:%Y-%m-%d}" for trade in trades[:-1]]
    entries = np.array(columns["entry"])
    assert entries.tolist() == [float(trade.entry_price) for trade in trades]
    assert columns["stop"] == pytest.approx(entries * 0.9, abs=1e-5)
    assert columns["target"] == pytest.approx(entries * 1.2, abs=1e-5)


def test_a_trade_without_a_target_has_no_target_level(completed: Backtest) -> None:
    assert set(charts.price_chart(completed, "AAPL")["trades"]["target"]) == {None}


def test_the_rolling_sharpe_ratio_covers_126_sessions(completed: Backtest) -> None:
    strategy, benchmark = charts.rolling_sharpe_chart(completed)["lines"]
    curve = completed.curve
    for line, values in ((strategy, curve.equity), (benchmark, curve.buy_and_hold)):
        returns = session_returns(np.array(values), 100_000)
        assert line["values"][-1] == pytest.approx(sharpe_ratio(returns[-126:]), abs=6e-4)
        assert line["time"][0] == charts.equity_chart(completed)["time"][125]
        assert len(line["values"]) == len(line["time"]) == len(values) - 125


def test_the_exposure_is_in_percent(completed: Backtest) -> None:
    (line,) = charts.exposure_chart(completed)["lines"]
    assert line["values"] == pytest.approx([100 * part for part in completed.curve.invested])


def test_the_histograms_count_every_closed_trade(completed: Backtest) -> None:
    closed = completed.trades.exclude(exit_time=None)
    for chart, name in ((charts.profit_chart, "pnl"), (charts.r_multiple_chart, "r_multiple")):
        bins = chart(completed)
        values = [float(value) for value in closed.values_list(name, flat=True) if value is not None]
        assert sum(bins["counts"]) == len(values) == completed.metrics["trades"]
        assert (bins["edges"][0] <= min(values), max(values) < bins["edges"][-1]) == (True, True)


@pytest.mark.parametrize("length", [0, 1, 4999, 5000, 5001, 12_345])
def test_point_spans_cover_every_row_once(length: int) -> None:
    first, last = chart_columns.point_spans(length)
    assert len(first) <= chart_columns.MAX_POINTS
    rows = [row for start, end in zip(first, last, strict=True) for row in range(start, end + 1)]
    assert rows == list(range(length))


def test_times_of_shorter_bars_are_unix_seconds() -> None:
    # 2012-03-05 14:30 UTC.
    times = np.array(["2012-03-05T14:30"], "datetime64[us]")
    assert chart_columns.chart_times(times, chart_columns.unit_of("1Min")) == [1_330_957_800]
