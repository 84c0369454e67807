"""A run from the claim to the stored result, on the sample bars and PostgreSQL."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from itertools import count
from threading import Event
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.results import OpenPosition, Trade
from backtests.services import cancel_backtest, run_backtest
from backtests.services.watch import watched
from backtests.simulation import Simulation, simulate
from strategies.kinds.sma_crossover import SmaCrossover
from tests.backtests.runs import NOW, Clock, Make
from tradedesk.accounts.models import User, UserVersion
from tradedesk.core.bars import Bars, session_dates
from tradedesk.core.fills import ExitReason
from tradedesk.core.rules import Costs
from tradedesk.core.signals import Signals
from tradedesk.marketdata.library import load_bars, load_many
from tradedesk.marketdata.samples import FINGERPRINTS

Status = Backtest.Status


def simulated(backtest: Backtest) -> Simulation:
    """The same backtest, straight from the engine."""
    return simulate(
        SmaCrossover(fast=20, slow=50),
        load_many(["AAPL", "MSFT"], "1Day"),
        capital=100_000,
        rules=backtest.risk_rules(),
        costs=backtest.cost_rules(),
        start=datetime(2005, 1, 3, 5, tzinfo=UTC),
        end=datetime(2011, 1, 1, 4, 59, 59, tzinfo=UTC),
    )


def at_each_reading(clock: Clock, *actions: Callable[[], Any] | None) -> Clock:
    """The clock, doing something first when it is read: what happens just before that write of the run."""
    waiting = list(actions)

    def read() -> datetime:
        if waiting and (action := waiting.pop(0)):
            action()
        return clock()

    return read


def left_behind() -> tuple[int, int]:
    return BacktestTrade.objects.count(), BacktestCurve.objects.count()


# --- What a completed run leaves -----------------------------------------------------------------------------


def test_it_stores_the_metrics_of_the_simulation_in_the_apis_names(completed: Backtest) -> None:
    assert completed.metrics == simulated(completed).metrics.as_json()
    assert completed.metrics["num_trades"] > 10
    json.dumps(completed.metrics, allow_nan=False)


def test_it_stores_what_buying_and_holding_came_to(completed: Backtest) -> None:
    held = completed.buy_and_hold
    assert held["total_return_pct"] == pytest.approx(completed.metrics["buy_and_hold_return_pct"], rel=1e-12)
    assert held["num_trades"] == 0
    assert held["exposure_pct"] > 99


@pytest.mark.parametrize(
    ("costs", "harder"),
    [
        ({}, Costs(slippage_bps=5)),
        (
            {"commission_per_order": 1, "slippage_bps": 3},
            Costs(commission_per_order=2, slippage_bps=6),
        ),
    ],
)
def test_it_stores_what_the_same_signals_came_to_at_higher_costs(
    make: Make, clock: Clock, costs: dict[str, float], harder: Costs
) -> None:
    backtest = make(**costs)
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    backtest.costs = harder.as_dict()
    # Alpha and beta stay against holding at the costs that were asked for.
    against = {"alpha_pct", "beta", "buy_and_hold_return_pct"}
    expected = simulated(backtest).metrics.as_json()
    assert {name: value for name, value in backtest.doubled_costs.items() if name not in against} == {
        name: value for name, value in expected.items() if name not in against
    }
    assert backtest.doubled_costs["total_return_pct"] < backtest.metrics["total_return_pct"]
    assert backtest.doubled_costs["buy_and_hold_return_pct"] == backtest.metrics["buy_and_hold_return_pct"]


def test_it_stores_how_much_of_the_equity_stood_in_positions(completed: Backtest) -> None:
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
    bars = load_bars(symbol, "1Day")
    seconds = bars.time.astype("datetime64[s]").astype(int)
    return list(zip(seconds.tolist(), bars.close.tolist(), strict=True))


def test_it_stores_every_trade_as_the_engine_made_it(completed: Backtest) -> None:
    expected = simulated(completed).result.trades
    stored = completed.trades.exclude(exit_time=None).order_by("id")
    assert [as_trade(row) for row in stored] == expected


def test_what_is_still_open_is_stored_apart_and_marked(completed: Backtest) -> None:
    expected = simulated(completed).result.open_positions
    assert len(expected) == 2
    stored = completed.trades.filter(exit_time=None).order_by("id")
    assert [as_position(row) for row in stored] == [
        position._replace(unrealized_pnl=round(position.unrealized_pnl, 6)) for position in expected
    ]
    assert [row.exit_reason for row in stored] == ["", ""]
    for row in stored:
        assert row.return_pct == pytest.approx(float(row.pnl / (row.quantity * row.entry_price + row.commission)))


def test_it_stores_the_curves_by_session(completed: Backtest) -> None:
    simulation = simulated(completed)
    curve = completed.curve
    days = [datetime.fromtimestamp(second, UTC) for second in curve.time]
    assert [day.date() for day in days] == session_dates(simulation.result.time).tolist()
    assert curve.equity == simulation.result.equity.tolist()
    assert curve.buy_and_hold == simulation.benchmark.equity.tolist()
    assert days[0].date() == date(2005, 1, 3)
    assert days[-1].date() == date(2010, 12, 31)


def test_both_dates_are_included_and_nothing_beyond(make: Make, clock: Clock) -> None:
    # A Tuesday and a Thursday: the market traded on the day before and on the day after.
    backtest = make(start_date=date(2005, 1, 4), end_date=date(2005, 1, 20))
    run_backtest(backtest.pk, clock)
    days = [datetime.fromtimestamp(second, UTC).date() for second in BacktestCurve.objects.get().time]
    assert (days[0], days[-1]) == (date(2005, 1, 4), date(2005, 1, 20))


def test_the_money_adds_up_to_the_last_place(completed: Backtest) -> None:
    # What was earned, sold or not, is what the final equity has above the capital.
    earned = sum((trade.pnl for trade in completed.trades.all()), Decimal(0))
    assert float(completed.initial_capital + earned) == pytest.approx(completed.metrics["final_equity"], abs=1e-5)


def test_it_ends_completed_with_its_times(completed: Backtest) -> None:
    assert (completed.status, completed.progress, completed.stage, completed.error) == ("completed", 100, "", "")
    assert completed.attempts == 1
    assert completed.started_at
    assert completed.finished_at
    assert NOW < completed.started_at < completed.finished_at == completed.heartbeat_at


def test_the_provenance_is_that_of_the_bars_it_ran_on(make: Make, clock: Clock) -> None:
    backtest = make(symbols=["IBM"])
    Backtest.objects.update(provenance={"data": {"IBM": {"provider": "csv", "fingerprint": "0" * 64}}})
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    data = backtest.provenance["data"]["IBM"]
    assert (data["provider"], data["fingerprint"]) == ("sample", FINGERPRINTS["IBM"])
    start, end = backtest.period
    history = load_bars("IBM", "1Day").until(end)
    assert (data["bars"], data["bars"] + data["bars_before"]) == (len(history.since(start)), len(history))
    assert backtest.provenance["seed"] is None


def test_a_symbol_that_starts_after_the_period_is_not_traded(make: Make, clock: Clock) -> None:
    backtest = make(symbols=["AAPL", "FB"])
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert backtest.status == Status.COMPLETED
    assert set(backtest.trades.values_list("symbol", flat=True)) == {"AAPL"}


def test_a_period_without_trades_is_completed(make: Make, clock: Clock) -> None:
    backtest = make(start_date=date(2005, 1, 3), end_date=date(2005, 1, 7))
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.metrics["num_trades"]) == (Status.COMPLETED, 0)
    assert backtest.metrics["win_rate"] is None


def test_progress_and_stage_are_told_as_it_runs(make: Make, clock: Clock, alice: User) -> None:
    backtest = make()
    seen: list[tuple[str, str, int]] = []
    versions: list[int] = []

    def look() -> None:
        seen.append(Backtest.objects.values_list("status", "stage", "progress").get(pk=backtest.pk))
        versions.append(UserVersion.objects.get(user=alice).number)

    run_backtest(backtest.pk, at_each_reading(clock, *[look] * 7))
    assert seen == [
        ("queued", "", 0),
        ("running", "", 0),
        ("running", "Loading bars", 10),
        ("running", "Computing signals", 30),
        ("running", "Simulating trades", 60),
        ("running", "Simulating higher costs", 75),
        ("running", "Saving the result", 90),
    ]
    assert versions[1:] == sorted(set(versions[1:]))
    assert UserVersion.objects.get(user=alice).number > versions[-1]


def test_a_long_stage_goes_on_telling_that_it_is_alive(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    backtest, enough, beats = make(), Event(), count(1)
    signals = SmaCrossover.signals

    def slow(kind: SmaCrossover, bars: Bars) -> Signals:
        assert enough.wait(60)
        return signals(kind, bars)

    def read() -> datetime:
        # Claim, two stages, and then three beats of the second one.
        if next(beats) == 6:
            enough.set()
        return clock()

    monkeypatch.setattr(SmaCrossover, "signals", slow)
    monkeypatch.setattr("backtests.services.run.watched", partial(watched, every=0.001))
    run_backtest(backtest.pk, read)
    backtest.refresh_from_db()
    assert backtest.status == Status.COMPLETED
    # The clock moves by a second at each reading: seven readings without a beat, and at least three beats.
    assert backtest.finished_at
    assert (backtest.finished_at - NOW).total_seconds() >= 10


def test_a_run_that_is_cancelled_in_a_long_stage_ends_with_it(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    backtest, cancelled = make(), Event()

    def slow(kind: SmaCrossover, bars: Bars) -> Signals:
        assert cancelled.wait(60)
        raise AssertionError("nobody waits for this any more")

    def cancel() -> None:
        cancel_backtest(backtest, NOW)
        cancelled.set()

    monkeypatch.setattr(SmaCrossover, "signals", slow)
    monkeypatch.setattr("backtests.services.run.watched", partial(watched, every=0.001))
    run_backtest(backtest.pk, at_each_reading(clock, None, None, None, cancel))
    backtest.refresh_from_db()
    assert (backtest.status, backtest.error, left_behind()) == (Status.CANCELLED, "", (0, 0))


def test_the_number_of_queries_does_not_grow_with_the_trades(
    make: Make, clock: Clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    few, many = make(end_date=date(2006, 1, 3)), make()
    with connection.execute_wrapper(counting := Counting()):
        run_backtest(few.pk, clock)
    with django_assert_num_queries(counting.queries):
        run_backtest(many.pk, clock)
    assert many.trades.count() > few.trades.count() + 10


class Counting:
    queries = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.queries += 1
        return execute(sql, params, many, context)


# --- Rows back into the engine's records ---------------------------------------------------------------------


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
        return_pct=row.return_pct,
        commission=float(row.commission),
        r_multiple=row.r_multiple,
        stop_price=float(row.stop_price),
        target_price=None if row.target_price is None else float(row.target_price),
    )


def as_position(row: BacktestTrade) -> OpenPosition:
    return OpenPosition(
        symbol=row.symbol,
        quantity=float(row.quantity),
        entry_time=row.entry_time,
        entry_price=float(row.entry_price),
        stop_price=float(row.stop_price),
        target_price=None if row.target_price is None else float(row.target_price),
        commission=float(row.commission),
        last_price=float(row.exit_price),
        unrealized_pnl=float(row.pnl),
    )
