"""The stored result of a completed backtest: metrics, trades and curves, on the sample bars and PostgreSQL."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from backtests.engine.results import OpenPosition, Trade
from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.services import run_backtest
from tests.backtests.runs import Clock, Make, simulated
from tradedesk.core.bars import session_dates
from tradedesk.core.fills import ExitReason
from tradedesk.core.rules import Costs
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.store import fingerprint_of

Status = Backtest.Status


def test_the_metrics_are_those_of_the_simulation(completed: Backtest) -> None:
    assert completed.metrics == simulated(completed).metrics.as_dict()
    assert completed.metrics["trades"] > 10
    json.dumps(completed.metrics, allow_nan=False)


def test_buy_and_hold_is_stored(completed: Backtest) -> None:
    held = completed.buy_and_hold
    assert held["total_return"] == pytest.approx(completed.metrics["buy_and_hold_return"], rel=1e-12)
    assert held["trades"] == 0
    assert held["exposure"] > 0.99


@pytest.mark.parametrize(
    ("costs", "doubled"),
    [
        ({}, Costs(slippage_bps=5)),
        (
            {"commission_per_order": 1, "slippage_bps": 3},
            Costs(commission_per_order=2, slippage_bps=6),
        ),
    ],
)
def test_the_metrics_at_doubled_costs_are_stored(
    make: Make, clock: Clock, costs: dict[str, float], doubled: Costs
) -> None:
    backtest = make(**costs)
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    backtest.costs = doubled.as_dict()
    # The benchmark keeps the costs of the backtest.
    of_benchmark = {"alpha", "beta", "buy_and_hold_return"}
    expected = simulated(backtest).metrics.as_dict()
    assert {name: value for name, value in backtest.doubled_costs.items() if name not in of_benchmark} == {
        name: value for name, value in expected.items() if name not in of_benchmark
    }
    assert backtest.doubled_costs["total_return"] < backtest.metrics["total_return"]
    assert backtest.doubled_costs["buy_and_hold_return"] == backtest.metrics["buy_and_hold_return"]


def test_the_curve_stores_the_invested_part_of_the_equity(completed: Backtest) -> None:
    curve = completed.curve
    held = dict.fromkeys(curve.time, 0.0)
    closes = {symbol: dict(closes_by_second(symbol)) for symbol in completed.symbols}
    for trade in completed.trades.all():
        for second in held:
            after = trade.entry_time.timestamp() <= second
            if after and (trade.exit_time is None or second < trade.exit_time.timestamp()):
                held[second] += float(trade.quantity) * closes[trade.symbol][second]
    expected = [held[second] / equity for second, equity in zip(curve.time, curve.equity, strict=True)]
    assert curve.invested == pytest.approx(expected, abs=6e-5)
    assert 0.4 < max(curve.invested) <= 1.0
    assert min(curve.invested) == 0.0


def closes_by_second(symbol: str) -> list[tuple[int, float]]:
    bars = load_bars(None, symbol, "1Day")
    seconds = bars.time.astype("datetime64[s]").astype(int)
    return list(zip(seconds.tolist(), bars.close.tolist(), strict=True))


def test_the_closed_trades_are_those_of_the_engine(completed: Backtest) -> None:
    expected = simulated(completed).result.trades
    stored = completed.trades.exclude(exit_time=None).order_by("id")
    assert [as_trade(row) for row in stored] == expected


def test_the_open_positions_are_those_of_the_engine(completed: Backtest) -> None:
    expected = simulated(completed).result.open_positions
    assert len(expected) == 2
    stored = completed.trades.filter(exit_time=None).order_by("id")
    assert [as_position(row) for row in stored] == [
        position._replace(unrealized_pnl=round(position.unrealized_pnl, 6)) for position in expected
    ]
    assert [row.exit_reason for row in stored] == ["", ""]
    for row in stored:
        assert row.return_fraction == pytest.approx(
            float(row.pnl / (row.quantity * row.entry_price + row.commission))
        )


def test_the_curves_have_one_value_a_session(completed: Backtest) -> None:
    simulation = simulated(completed)
    curve = completed.curve
    days = [datetime.fromtimestamp(second, UTC) for second in curve.time]
    assert [day.date() for day in days] == session_dates(simulation.result.time).tolist()
    assert curve.equity == simulation.result.equity.tolist()
    assert curve.buy_and_hold == simulation.benchmark.equity.tolist()
    assert days[0].date() == date(2005, 1, 3)
    assert days[-1].date() == date(2010, 12, 31)


def test_start_and_end_date_are_included(make: Make, clock: Clock) -> None:
    # A Tuesday and a Thursday: there were sessions on the day before and on the day after.
    backtest = make(start_date=date(2005, 1, 4), end_date=date(2005, 1, 20))
    run_backtest(backtest.pk, clock)
    days = [datetime.fromtimestamp(second, UTC).date() for second in BacktestCurve.objects.get().time]
    assert (days[0], days[-1]) == (date(2005, 1, 4), date(2005, 1, 20))


def test_the_pnl_of_all_trades_is_the_change_of_the_equity(completed: Backtest) -> None:
    pnl = sum((trade.pnl for trade in completed.trades.all()), Decimal(0))
    assert float(completed.initial_capital + pnl) == pytest.approx(completed.metrics["final_equity"], abs=1e-5)


def test_the_provenance_is_that_of_the_bars_of_the_run(make: Make, clock: Clock) -> None:
    backtest = make(symbols=["IBM"])
    Backtest.objects.update(provenance={"data": {"IBM": {"provider": "csv", "fingerprint": "0" * 64}}})
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    data = backtest.provenance["data"]["IBM"]
    start, end = backtest.period
    history = load_bars(None, "IBM", "1Day").until(end)
    assert (data["provider"], data["fingerprint"]) == ("sample", fingerprint_of(history))
    assert (data["count"], data["count"] - data["bars_before"]) == (len(history), len(history.since(start)))
    assert backtest.provenance["seed"] is None


def test_a_symbol_without_bars_in_the_period_is_not_traded(make: Make, clock: Clock) -> None:
    backtest = make(symbols=["AAPL", "FB"])
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert backtest.status == Status.COMPLETED
    assert set(backtest.trades.values_list("symbol", flat=True)) == {"AAPL"}


def test_a_period_without_trades_is_completed(make: Make, clock: Clock) -> None:
    backtest = make(start_date=date(2005, 1, 3), end_date=date(2005, 1, 7))
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.metrics["trades"]) == (Status.COMPLETED, 0)
    assert backtest.metrics["win_rate"] is None


# Rows as records of the engine


def as_trade(row: BacktestTrade) -> Trade:
    assert row.exit_time
    return Trade(
        symbol=row.symbol,
        quantity=float(row.quantity),
        entry_time=row.entry_time,
        entry_price=float(row.entry_price),
        exit_time=row.exit_time,
        exit_price=float(row.exit_price),
        exit_reason=ExitReason(row.exit_reason),
        pnl=float(row.pnl),
        return_fraction=row.return_fraction,
        commission=float(row.commission),
        r_multiple=row.r_multiple,
        initial_stop=float(row.initial_stop_price or 0),
        stop_price=float(row.stop_price or 0),
        target_price=None if row.target_price is None else float(row.target_price),
    )


def as_position(row: BacktestTrade) -> OpenPosition:
    return OpenPosition(
        symbol=row.symbol,
        quantity=float(row.quantity),
        entry_time=row.entry_time,
        entry_price=float(row.entry_price),
        initial_stop=float(row.initial_stop_price or 0),
        stop_price=float(row.stop_price or 0),
        target_price=None if row.target_price is None else float(row.target_price),
        commission=float(row.commission),
        last_price=float(row.exit_price),
        unrealized_pnl=float(row.pnl),
    )
