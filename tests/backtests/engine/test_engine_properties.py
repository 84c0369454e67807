"""Properties of the engine that hold for all bars, signals, rules and costs."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtests.engine import run as engine_run
from backtests.engine.kernel import trade
from backtests.engine.results import Trade
from backtests.engine.run import run
from tests.backtests.cases import ALLOW_SLOW_DATA, NO_LIMITS, Case, all_lots, cases
from tests.backtests.reference import ReferenceEngine
from tests.backtests.scripted import day, days
from tradedesk.core import fills
from tradedesk.core.bars import Bars, validate
from tradedesk.core.fills import ExitReason
from tradedesk.core.money import round_money
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals


@given(cases())
@settings(ALLOW_SLOW_DATA, max_examples=300)
def test_the_kernel_equals_the_reference_engine(case: Case) -> None:
    result = case.run()
    reference = ReferenceEngine(case.bars, case.signals, case.capital, case.rules, case.costs)
    reference.run()
    assert result.equity.tolist() == list(reference.equity.values())
    assert result.time.tolist() == list(reference.equity)
    assert result.cash == reference.cash
    closed = [lot for lot in reference.lots if lot.sold]
    ours = [
        (t.symbol, t.quantity, t.entry_time, t.entry_price, t.stop_price, t.exit_time, t.exit_price, t.exit_reason)
        for t in result.trades
    ]
    theirs = [
        (
            lot.symbol,
            lot.quantity,
            lot.bought,
            lot.entry_price,
            lot.stop,
            lot.sold,
            lot.exit_price,
            fills.EXIT_REASONS[lot.reason],
        )
        for lot in sorted(closed, key=lambda lot: str(lot.sold))
    ]
    assert [
        (*t[:2], t[2].replace(tzinfo=None), *t[3:5], t[5].replace(tzinfo=None), *t[6:]) for t in ours
    ] == theirs
    held = [(p.symbol, p.quantity, p.entry_time.replace(tzinfo=None)) for p in result.open_positions]
    assert held == [(lot.symbol, lot.quantity, lot.bought) for lot in reference.lots if not lot.sold]


@given(cases())
@ALLOW_SLOW_DATA
def test_cash_and_equity_can_be_computed_from_the_trades(case: Case) -> None:
    result, costs = case.run(), case.costs

    def fee(quantity: float, price: float) -> float:
        return float(
            fills.commission(
                quantity, price, costs.commission_per_order, costs.commission_per_share, costs.commission_bps
            )
        )

    times = result.time.tolist()
    cash = np.full(len(times), case.capital)
    holdings = np.zeros(len(times))
    for lot in all_lots(result):
        first, until = times.index(lot.entry_time.replace(tzinfo=None)), len(times)
        cash[first:] -= lot.quantity * lot.entry_price + fee(lot.quantity, lot.entry_price)
        if isinstance(lot, Trade):
            until = times.index(lot.exit_time.replace(tzinfo=None))
            cash[until:] += lot.quantity * lot.exit_price - fee(lot.quantity, lot.exit_price)
        own = case.bars[lot.symbol]
        last = np.searchsorted(own.time, result.time[first:until], side="right") - 1
        holdings[first:until] += lot.quantity * own.close[last]
    assert np.abs(result.equity - (cash + holdings)).max() < 1e-4
    assert np.abs(result.invested - holdings).max() < 1e-4
    assert (result.invested[holdings == 0.0] == 0.0).all()
    assert result.cash == pytest.approx(cash[-1], abs=1e-4)
    paid = result.held["paid"].sum()
    assert round_money(case.capital + sum(t.pnl for t in result.trades) - paid) == result.cash
    assert result.equity[-1] == pytest.approx(
        result.cash + sum(p.quantity * p.last_price for p in result.open_positions), abs=1e-5
    )


@given(cases())
@ALLOW_SLOW_DATA
def test_fills_are_within_the_prices_of_their_bar_except_for_slippage(case: Case) -> None:
    result = case.run()
    slip = case.costs.slippage_bps / 1e4
    for done in result.trades:
        own = case.bars[done.symbol]
        times = own.time.tolist()
        entry = times.index(done.entry_time.replace(tzinfo=None))
        exit_row = times.index(done.exit_time.replace(tzinfo=None))
        assert done.entry_price == pytest.approx(own.open[entry] * (1 + slip), abs=1e-6)
        assert own.low[exit_row] * (1 - slip) - 1e-6 <= done.exit_price <= own.high[exit_row] + 1e-6
        assert entry <= exit_row
        if done.exit_reason is ExitReason.SIGNAL:
            assert case.signals[done.symbol].side[exit_row - 1] == -1, "decided one bar earlier"
            assert done.exit_price == pytest.approx(own.open[exit_row] * (1 - slip), abs=1e-6)
        assert case.signals[done.symbol].side[entry - 1] == 1
        assert case.signals[done.symbol].strength[entry - 1] >= case.rules.signal_threshold


@given(cases())
@ALLOW_SLOW_DATA
def test_a_symbol_has_one_lot_at_a_time_and_shares_are_whole_unless_fractional(case: Case) -> None:
    result = case.run()
    latest = datetime.max.replace(tzinfo=UTC)
    for symbol in case.bars:
        spans = sorted(
            (lot.entry_time, lot.exit_time if isinstance(lot, Trade) else latest)
            for lot in all_lots(result)
            if lot.symbol == symbol
        )
        assert all(sold <= bought for (_, sold), (bought, _) in pairwise(spans))
    for lot in all_lots(result):
        assert lot.quantity > 0
        assert case.rules.fractional or lot.quantity == int(lot.quantity)
    open_lots = np.zeros(len(result.time), np.int64)
    for lot in all_lots(result):
        sold = lot.exit_time if isinstance(lot, Trade) else latest
        open_lots += [lot.entry_time <= moment.replace(tzinfo=UTC) < sold for moment in result.time.tolist()]
    assert open_lots.max() <= case.rules.max_positions


@given(cases())
@ALLOW_SLOW_DATA
def test_the_order_of_the_symbols_does_not_matter(case: Case) -> None:
    reversed_case = replace(
        case,
        bars=dict(reversed(case.bars.items())),
        signals=dict(reversed(case.signals.items())),
    )
    one, other = case.run(), reversed_case.run()
    assert one.equity.tolist() == other.equity.tolist()
    assert one.trades == other.trades
    assert one.open_positions == other.open_positions


@given(cases())
@ALLOW_SLOW_DATA
def test_the_compiled_kernel_equals_its_python_source(case: Case) -> None:
    compiled = case.run()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_run, "trade", trade.py_func)
        interpreted = case.run()
    assert compiled.equity.tolist() == interpreted.equity.tolist()
    assert compiled.cash == interpreted.cash
    assert compiled.trades == interpreted.trades
    assert compiled.open_positions == interpreted.open_positions
    assert compiled.exposure == interpreted.exposure


@given(cases(costs=st.builds(Costs, commission_bps=st.sampled_from((0.0, 10.0)))))
@ALLOW_SLOW_DATA
def test_doubling_prices_and_capital_keeps_the_shares_and_doubles_the_dollars(case: Case) -> None:
    case = replace(case, rules=replace(case.rules, **NO_LIMITS, fractional=False))
    doubled = replace(
        case,
        capital=case.capital * 2,
        bars={
            symbol: replace(own, open=own.open * 2, high=own.high * 2, low=own.low * 2, close=own.close * 2)
            for symbol, own in case.bars.items()
        },
    )
    one, other = case.run(), doubled.run()
    assert other.closed["quantity"].tolist() == one.closed["quantity"].tolist()
    assert other.equity == pytest.approx(one.equity * 2, abs=1e-4)
    assert other.closed["pnl"] == pytest.approx(one.closed["pnl"] * 2, abs=1e-4)


@given(cases(costs=st.just(Costs())))
@ALLOW_SLOW_DATA
def test_a_split_doubles_the_shares_and_keeps_the_dollars(case: Case) -> None:
    """Split adjustment halves prices in the history; the result must not change."""
    case = replace(case, rules=replace(case.rules, **NO_LIMITS, fractional=True), capital=1_000.0)
    split = replace(
        case,
        bars={
            symbol: replace(own, open=own.open / 2, high=own.high / 2, low=own.low / 2, close=own.close / 2)
            for symbol, own in case.bars.items()
        },
    )
    one, other = case.run(), split.run()
    # The sum, because a rounding difference may buy a millionth of a share more.
    assert other.closed["quantity"].sum() == pytest.approx(one.closed["quantity"].sum() * 2, abs=1e-3)
    assert other.equity == pytest.approx(one.equity, abs=0.02)


@given(cases(), st.integers(1, 12))
@ALLOW_SLOW_DATA
def test_later_bars_do_not_change_earlier_results(case: Case, count: int) -> None:
    whole = case.run()
    moment = whole.time[min(count, len(whole.time)) - 1]
    counts = {symbol: int((own.time <= moment).sum()) for symbol, own in case.bars.items()}
    present = {symbol: kept for symbol, kept in counts.items() if kept}
    cut = replace(
        case,
        bars={symbol: case.bars[symbol][:kept] for symbol, kept in present.items()},
        signals={
            symbol: Signals(case.signals[symbol].side[:kept], case.signals[symbol].strength[:kept])
            for symbol, kept in present.items()
        },
    )
    part = cut.run()
    assert part.equity.tolist() == whole.equity[: len(part.equity)].tolist()
    assert part.trades == whole.trades[: len(part.trades)]


@given(cases(costs=st.just(Costs())))
@ALLOW_SLOW_DATA
def test_without_commission_cash_never_goes_below_zero(case: Case) -> None:
    result = case.run()
    assert result.cash >= -1e-6
    assert (result.equity >= -1e-6).all()


@given(cases(), st.integers(0, 12))
@ALLOW_SLOW_DATA
def test_a_start_equals_having_no_signals_before_it(case: Case, number: int) -> None:
    start = days(13)[number]
    signals = {
        symbol: Signals(np.where(case.bars[symbol].time < start, 0, own.side).astype(np.int8), own.strength)
        for symbol, own in case.signals.items()
    }
    late = run(
        case.bars, case.signals, capital=case.capital, rules=case.rules, costs=case.costs, start=day(number)
    )
    unsignalled = replace(case, signals=signals).run()
    assert late.equity.tolist() == unsignalled.equity[unsignalled.time >= start].tolist()
    assert late.trades == unsignalled.trades


STOPS: dict[str, dict[str, float | None]] = {
    "fixed": {"stop_loss_pct": 0.05},
    "trailing": {"stop_loss_pct": None, "trailing_stop_pct": 0.07},
    "by ATR": {"stop_loss_pct": None, "trailing_stop_atr": 1.5},
    "by ATR, wide": {"stop_loss_pct": 0.2, "trailing_stop_atr": 100.0},
    "fixed and trailing": {"stop_loss_pct": 0.05, "trailing_stop_pct": 0.07},
}


@pytest.mark.parametrize(("symbols", "stops"), [(1, "fixed"), (1, "by ATR"), *((3, stops) for stops in STOPS)])
def test_long_random_walks_equal_the_reference_engine(symbols: int, stops: str) -> None:
    random = np.random.default_rng(20_240_101 + symbols)
    bars, signals = {}, {}
    for symbol in "ABC"[:symbols]:
        count = 400
        close = np.round(20 * np.exp(np.cumsum(random.normal(0, 0.03, count))), 2)
        open_ = np.round(close * np.exp(random.normal(0, 0.02, count)), 2)
        high = np.round(np.maximum(open_, close) * (1 + random.random(count) * 0.03), 2)
        low = np.round(np.minimum(open_, close) * (1 - random.random(count) * 0.03), 2)
        present = np.sort(random.choice(600, count, replace=False))
        bars[symbol] = Bars(days(600)[present], open_, np.maximum(high, 0.01), low, close, np.ones(count))
        side = random.choice([-1, 0, 0, 0, 1], count).astype(np.int8)
        signals[symbol] = Signals(side, np.round(random.random(count), 2))
        validate(bars[symbol])
    own: Any = STOPS[stops]
    rules = RiskRules(position_size_pct=0.6, max_positions=2, take_profit_pct=0.08, signal_threshold=0.3, **own)
    costs = Costs(commission_per_order=1.0, commission_bps=2.0, slippage_bps=3.0)
    result = run(bars, signals, capital=100_000.0, rules=rules, costs=costs)
    reference = ReferenceEngine(bars, signals, 100_000.0, rules, costs)
    reference.run()
    assert len(result.trades) > 30 * symbols
    reasons = {ExitReason.STOP_LOSS} if own.get("stop_loss_pct") else set()
    reasons |= {ExitReason.TRAILING_STOP} if stops not in ("fixed", "by ATR, wide") else set()
    assert {done.exit_reason for done in result.trades} == {ExitReason.SIGNAL, ExitReason.TAKE_PROFIT} | reasons
    assert [(t.exit_reason, t.stop_price) for t in result.trades] == [
        (fills.EXIT_REASONS[lot.reason], lot.stop)
        for lot in sorted((lot for lot in reference.lots if lot.sold), key=lambda lot: str(lot.sold))
    ]
    assert result.equity.tolist() == list(reference.equity.values())
    assert result.cash == reference.cash
