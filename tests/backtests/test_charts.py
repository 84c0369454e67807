"""The JSON of the charts has the figures of the bars, the kind and the trades."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from backtests import charts
from backtests.models import Backtest, BacktestCurve
from backtests.services import run_backtest
from strategies.kinds.sma_crossover import SmaCrossover
from strategies.models import Strategy
from tests.backtests.runs import Clock, Make
from tradedesk.core.bars import Timeframe, session_dates
from tradedesk.core.metrics import session_returns, sharpe_ratio
from tradedesk.marketdata import chart_points
from tradedesk.marketdata.library import NoBars, load_bars
from tradedesk.marketdata.models import BarSeries


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    return [row.get(name) for row in rows]


def test_the_equity_chart_has_every_session(completed: Backtest) -> None:
    chart = charts.equity_chart(completed)
    curve = completed.curve
    assert column(chart["equity"], "value") == pytest.approx(curve.equity, abs=0.006)
    assert column(chart["buy_and_hold"], "value") == pytest.approx(curve.buy_and_hold, abs=0.006)
    times = column(chart["equity"], "time")
    assert (times[0], times[-1], len(times)) == ("2005-01-03", "2010-12-31", len(curve.time))
    assert times == sorted(set(times)) == column(chart["drawdown"], "time")


def test_the_max_drawdown_equals_the_metric(completed: Backtest) -> None:
    drawdown = column(charts.equity_chart(completed)["drawdown"], "value")
    assert max(drawdown) <= 0
    assert min(drawdown) == pytest.approx(-100 * completed.metrics["max_drawdown"], abs=0.006)


def test_a_drawdown_counts_from_the_capital(completed: Backtest) -> None:
    BacktestCurve.objects.filter(backtest=completed).update(
        time=[0, 86400], equity=[90_000, 95_000], buy_and_hold=[1, 1]
    )
    assert column(charts.equity_chart(completed)["drawdown"], "value") == [-10, -5]


def test_a_queued_backtest_has_empty_charts(make: Make) -> None:
    assert charts.equity_chart(make()) == {"equity": [], "buy_and_hold": [], "drawdown": []}


def test_the_price_chart_has_the_bars_of_the_period(completed: Backtest) -> None:
    chart = charts.price_chart(completed, "MSFT")
    start, end = completed.period
    bars = load_bars(None, "MSFT", "1Day").since(start).until(end)
    assert column(chart["bars"], "time") == session_dates(bars.time).astype(str).tolist()
    for name in ("open", "high", "low", "close"):
        assert column(chart["bars"], name) == pytest.approx(getattr(bars, name), abs=1e-4)


def test_indicator_lines_use_the_bars_before_the_period(completed: Backtest) -> None:
    lines = charts.price_chart(completed, "AAPL")["lines"]
    start, end = completed.period
    whole = load_bars(None, "AAPL", "1Day").until(end)
    signals = SmaCrossover(fast=20, slow=50).signals(whole)
    first = len(whole) - len(whole.since(start))
    assert [line["name"] for line in lines] == list(signals.lines)
    assert {line["pane"] for line in lines} == {0}
    for line in lines:
        assert column(line["data"], "value") == pytest.approx(signals.lines[line["name"]][first:], abs=1e-4)


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
    assert line["data"][0] == {"time": "2012-05-18"}
    assert [("value" in point) for point in line["data"][:16]] == [False] * 14 + [True] * 2


def test_entries_and_exits_have_markers(completed: Backtest) -> None:
    markers = charts.price_chart(completed, "AAPL")["markers"]
    expected = []
    for trade in completed.trades.filter(symbol="AAPL").order_by("entry_time"):
        expected.append((f"{trade.entry_time:%Y-%m-%d}", "buy"))
        if trade.exit_time:
            expected.append((f"{trade.exit_time:%Y-%m-%d}", "sell"))
    assert [(marker["time"], marker["side"]) for marker in markers] == sorted(expected)
    texts = column(markers, "text")
    stopped = completed.trades.filter(symbol="AAPL", exit_reason="stop_loss").earliest("entry_time")
    assert f"Stop {stopped.return_fraction:+.1%}" in texts
    assert f"Buy {stopped.quantity:.0f}" in texts


def test_a_kind_that_is_not_installed_has_no_lines(completed: Backtest) -> None:
    Backtest.objects.update(kind="not_installed")
    completed.refresh_from_db()
    chart = charts.price_chart(completed, "AAPL")
    assert chart["lines"] == []
    assert chart["bars"]
    assert chart["markers"]


def test_a_symbol_without_bars_in_the_period_has_an_empty_chart(make: Make, clock: Clock) -> None:
    backtest = make(symbols=["AAPL", "FB"])
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert charts.price_chart(backtest, "FB") == {"bars": [], "lines": [], "markers": [], "levels": []}


def test_missing_bars_are_named(completed: Backtest) -> None:
    BarSeries.objects.filter(symbol="AAPL").delete()
    with pytest.raises(NoBars, match="AAPL"):
        charts.price_chart(completed, "MSFT")


def test_a_long_history_has_fewer_points(completed: Backtest, monkeypatch: pytest.MonkeyPatch) -> None:
    exact, exact_equity = charts.price_chart(completed, "AAPL"), charts.equity_chart(completed)
    monkeypatch.setattr(chart_points, "MAX_POINTS", 100)
    chart, equity = charts.price_chart(completed, "AAPL"), charts.equity_chart(completed)
    assert 90 < len(chart["bars"]) <= 100
    times = column(chart["bars"], "time")
    assert times == sorted(set(times))
    # Extremes and ends are kept, and every marker is at a point of the chart.
    assert max(column(chart["bars"], "high")) == max(column(exact["bars"], "high"))
    assert min(column(chart["bars"], "low")) == min(column(exact["bars"], "low"))
    assert chart["bars"][0]["open"] == exact["bars"][0]["open"]
    assert chart["bars"][-1]["close"] == exact["bars"][-1]["close"]
    assert len(chart["markers"]) == len(exact["markers"])
    assert set(column(chart["markers"], "time")) <= set(times)
    assert min(column(equity["drawdown"], "value")) == min(column(exact_equity["drawdown"], "value"))
    assert equity["equity"][-1]["value"] == exact_equity["equity"][-1]["value"]
    assert len(equity["equity"]) <= 100


def test_levels_span_a_trade_from_entry_to_exit(make: Make, clock: Clock) -> None:
    backtest = make(symbols=["AAPL"], take_profit_pct=0.2)
    run_backtest(backtest.pk, clock)
    levels = charts.price_chart(backtest, "AAPL")["levels"]
    trades = list(backtest.trades.order_by("entry_time"))
    assert trades[-1].exit_time is None
    assert [level["from"] for level in levels] == [f"{trade.entry_time:%Y-%m-%d}" for trade in trades]
    assert [level["to"] for level in levels] == [
        f"{trade.exit_time:%Y-%m-%d}" if trade.exit_time else "2010-12-31" for trade in trades
    ]
    for level, trade in zip(levels, trades, strict=True):
        assert level["entry"] == float(trade.entry_price)
        assert level["stop"] == pytest.approx(level["entry"] * 0.9, abs=1e-5)
        assert level["target"] == pytest.approx(level["entry"] * 1.2, abs=1e-5)


def test_a_trade_without_a_target_has_no_target_level(completed: Backtest) -> None:
    assert {level["target"] for level in charts.price_chart(completed, "AAPL")["levels"]} == {None}


def test_the_rolling_sharpe_ratio_covers_126_sessions(completed: Backtest) -> None:
    strategy, benchmark = charts.rolling_sharpe_chart(completed)["lines"]
    curve = completed.curve
    for line, values in ((strategy, curve.equity), (benchmark, curve.buy_and_hold)):
        returns = session_returns(np.array(values), 100_000)
        assert line["data"][-1]["value"] == pytest.approx(sharpe_ratio(returns[-126:]), abs=6e-4)
        assert line["data"][0]["time"] == column(charts.equity_chart(completed)["equity"], "time")[125]
        assert len(line["data"]) == len(values) - 125


def test_the_exposure_is_in_percent(completed: Backtest) -> None:
    (line,) = charts.exposure_chart(completed)["lines"]
    assert column(line["data"], "value") == pytest.approx([100 * part for part in completed.curve.invested])


def test_the_histograms_count_every_closed_trade(completed: Backtest) -> None:
    closed = completed.trades.exclude(exit_time=None)
    for chart, name in ((charts.profit_chart, "pnl"), (charts.r_multiple_chart, "r_multiple")):
        bins = chart(completed)["bins"]
        values = [float(value) for value in closed.values_list(name, flat=True) if value is not None]
        assert sum(column(bins, "count")) == len(values) == completed.metrics["trades"]
        assert (bins[0]["from"] <= min(values), max(values) < bins[-1]["to"]) == (True, True)


@pytest.mark.parametrize("length", [0, 1, 4999, 5000, 5001, 12_345])
def test_point_spans_cover_every_row_once(length: int) -> None:
    first, last = chart_points.point_spans(length)
    assert len(first) <= chart_points.MAX_POINTS
    rows = [row for start, end in zip(first, last, strict=True) for row in range(start, end + 1)]
    assert rows == list(range(length))


def test_times_of_shorter_bars_are_unix_seconds() -> None:
    # 2012-03-05 14:30 UTC.
    times = np.array(["2012-03-05T14:30"], "datetime64[us]")
    assert chart_points.chart_times(times, Timeframe.MINUTE) == [1_330_957_800]
