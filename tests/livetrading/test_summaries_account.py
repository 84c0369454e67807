"""The account summary, compared with the ledger of the simulated broker and with figures computed in the test."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from livetrading.brokers.simulation.broker import SimulatedBroker
from livetrading.models import BrokerAccount, LiveStrategy, PaperTrade
from livetrading.services.trade_totals import differences
from livetrading.summaries.account import read_account
from livetrading.summaries.performance import FillTotals, Key, Performance, pnl_today
from livetrading.summaries.positions import OpenLot, positions_of
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    account_of,
    closed,
    make_desk_rows,
    make_fill,
    make_live_strategy,
    make_live_trade,
    make_paper_trade,
    report_figures,
)
from tests.livetrading.pipeline.desk import closes, deployed, open_account, step
from tradedesk.accounts.models import User
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import Costs
from tradedesk.marketdata.library import closed_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.quotes import Quote, Series, market_day, read_quotes
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import NEW_YORK, daily_time, session_close

COSTS = Costs(commission_per_order=1.0, commission_per_share=0.005, commission_bps=2.0, slippage_bps=5.0)
SYMBOLS = ["AAPL", "GOOG", "IBM", "MSFT"]
CENT = Decimal("0.01")


def test_cash_and_equity_equal_the_ledger_and_the_days_add_up(alice: User) -> None:
    """Two strategies trade for nine weeks; after every session the summary is compared with the broker's
    ledger."""
    load_samples(WALL)
    books = open_account(alice, 50_000, COSTS)
    rsi = {"period": 3, "oversold": 35, "overbought": 60}
    sma = {"fast": 2, "slow": 5}
    strategies = [
        deployed(alice, "rsi_mean_reversion", SYMBOLS, parameters=rsi, position_size_pct=0.3, stop_loss_pct=0.03),
        deployed(alice, "sma_crossover", ["AAPL", "IBM"], parameters=sma, position_size_pct=0.2),
    ]
    equity_before = Decimal(50_000)
    for now in closes(date(2010, 1, 4), date(2010, 3, 5)):
        for live in strategies:
            step(live, now)
        summary = read_account(alice, "paper", now)
        ledger = SimulatedBroker(books, now, epoch=1).account()
        assert summary.cash is not None
        assert summary.equity is not None
        assert abs(summary.cash - ledger.cash) < CENT
        assert abs(summary.equity - ledger.equity) < CENT
        assert abs(summary.performance.today - (summary.equity - equity_before)) < CENT
        equity_before = summary.equity
    assert summary.performance.trades > 10
    assert summary.performance.commission > 10
    assert all(summary.of_strategy(LiveStrategy.objects.get(pk=live.pk)).trades > 0 for live in strategies)
    assert list(differences()) == []
    assert {trade.exit_reason for trade in PaperTrade.objects.all()} >= {"signal", "stop_loss"}


prices = st.decimals("0.01", "5000", places=4)
shares = st.decimals("0.000001", "9999", places=6)


@given(st.data())
def test_gained_today_is_the_difference_of_the_net_worth(data: st.DataObject) -> None:
    """Cash and shares now, minus cash and shares at the previous close."""
    quotes: dict[Series, Quote] = {}
    fill_totals: dict[Key, FillTotals] = {}
    lots: list[OpenLot] = []
    worth_before = worth_now = Decimal(0)
    for symbol in SYMBOLS:
        last = data.draw(prices)
        quote = Quote(float(last), last=last, previous_close=data.draw(prices))
        held_before = data.draw(st.one_of(st.just(Decimal(0)), shares))
        bought, bought_at = data.draw(shares), data.draw(prices)
        sold = min(data.draw(shares), held_before + bought)
        sold_at, commission = data.draw(prices), data.draw(st.decimals(0, 50, places=2))
        held_now = held_before + bought - sold
        spent = bought * bought_at - sold * sold_at + commission
        worth_before += held_before * quote.previous_close
        worth_now += held_now * quote.last - spent
        quotes[symbol, "1Day"] = quote
        fill_totals[7, (symbol, "1Day")] = FillTotals(shares=bought - sold, spent=spent)
        if held_now:
            trade = PaperTrade(symbol=symbol, quantity=held_now, entry_price=bought_at, live_strategy_id=7)
            lots.append(OpenLot(trade, quote.last))
    assert pnl_today(lots, fill_totals, quotes) == {7: worth_now - worth_before}


@given(st.lists(st.tuples(st.sampled_from(SYMBOLS), shares, prices), min_size=1, max_size=12))
def test_a_position_is_the_sum_of_its_lots(bought: list[tuple[str, Decimal, Decimal]]) -> None:
    last = Decimal(100)
    lots = [OpenLot(PaperTrade(symbol=s, quantity=q, entry_price=p), last) for s, q, p in bought]
    positions = positions_of(lots)
    assert [position.symbol for position in positions] == sorted({symbol for symbol, _, _ in bought})
    for position in positions:
        own = [(q, p) for symbol, q, p in bought if symbol == position.symbol]
        assert position.quantity == sum(q for q, _ in own)
        assert position.unrealized == sum(q * (last - p) for q, p in own)
        assert position.market_value == position.quantity * last
        assert min(p for _, p in own) - CENT <= position.average_price <= max(p for _, p in own) + CENT


def test_today_is_the_date_in_new_york(alice: User) -> None:
    """3:30 UTC is still the previous evening in New York."""
    load_samples(WALL)
    evening = daily_time(TODAY + timedelta(days=1)) - timedelta(minutes=90)
    assert evening.date() == TODAY + timedelta(days=1)
    assert market_day(evening) == TODAY
    for moment, price in ((daily_time(TODAY) - timedelta(seconds=1), 30), (daily_time(TODAY), 32)):
        trade = make_paper_trade(user=alice, entry_time=moment, entry_price=Decimal(price))
        make_fill(order=trade.opening_order, time=moment, price=Decimal(price))
    before, last = (to_decimal(float(close)) for close in closed_bars(None, "AAPL", "1Day", evening, last=2).close)
    performance = read_account(alice, "paper", evening).performance
    assert performance.today == 10 * (last - before) + 10 * (last - 32)
    assert performance.trades_today == 1


def test_a_quote_ignores_bars_that_have_not_closed(alice: User) -> None:
    load_samples(WALL)
    friday, monday = date(2010, 3, 5), date(2010, 3, 8)
    close = {
        day: float(closed_bars(None, "IBM", "1Day", session_close(day), last=1).close[0])
        for day in (friday, monday)
    }
    series = ("IBM", "1Day")
    at_noon = read_quotes(1, [series], session_close(monday) - timedelta(hours=4))[series]
    at_close = read_quotes(1, [series], session_close(monday))[series]
    on_sunday = read_quotes(1, [series], session_close(friday) + timedelta(days=2))[series]
    assert (float(at_noon.last), float(at_noon.previous_close)) == pytest.approx((close[friday], close[friday]))
    assert (float(at_close.last), float(at_close.previous_close)) == pytest.approx((close[monday], close[friday]))
    assert (float(on_sunday.last), float(on_sunday.previous_close)) == pytest.approx(
        (close[friday], close[friday])
    )
    assert session_close(monday).astimezone(NEW_YORK).date() == monday


def test_positions_without_prices_are_valued_at_cost(alice: User) -> None:
    load_samples(WALL)
    make_paper_trade(user=alice, symbol="NOBARS", quantity=Decimal(100), entry_price=Decimal(20))
    make_paper_trade(user=alice, symbol="AAPL", entry_price=Decimal(20))
    summary = read_account(alice, "paper", NOW)
    assert summary.unpriced == ["NOBARS"]
    unpriced = summary.positions[1]
    assert (unpriced.unrealized, unpriced.unrealized_return, unpriced.market_value) == (None, None, Decimal(2000))
    assert summary.market_value == 2000 + 200 + summary.performance.unrealized
    assert summary.performance.unrealized == summary.positions[0].unrealized


def test_before_the_first_deployment_the_account_has_its_starting_cash(alice: User, settings: Settings) -> None:
    settings.PAPER_STARTING_CASH = 25_000.0
    summary = read_account(alice, "paper", NOW)
    assert (summary.equity, summary.cash) == (Decimal(25_000), Decimal(25_000))
    assert summary.positions == []
    assert (summary.account, summary.incidents) == (None, [])
    assert not BrokerAccount.objects.exists()


def test_live_and_paper_are_separate(alice: User) -> None:
    books, live = account_of(alice), make_live_strategy(user=alice, mode="live")
    make_live_trade(user=alice, live_strategy=live, **closed(NOW))
    paper, real = read_account(alice, "paper", NOW), read_account(alice, "live", NOW)
    assert (paper.performance.realized, real.performance.realized) == (Decimal(0), Decimal(30))
    assert (real.starting_cash, real.total_return) == (None, None)
    assert (paper.account, real.account) == (books, live.account)


def test_equity_and_cash_are_those_of_the_last_report(alice: User) -> None:
    """A trade of the desk's records does not change them; the next report does."""
    live = make_live_strategy(user=alice)
    make_paper_trade(user=alice, live_strategy=live, **closed(NOW))
    before = read_account(alice, "paper", NOW)
    assert (before.equity, before.cash) == (100_000, 100_000)
    report_figures(alice, equity=123_456.78, cash=90_000)
    after = read_account(alice, "paper", NOW)
    assert (after.equity, after.cash) == (Decimal("123456.78"), 90_000)
    assert after.performance == before.performance


def test_a_mode_without_an_account_has_no_figures(alice: User) -> None:
    real = read_account(alice, "live", NOW)
    assert (real.account, real.equity, real.cash) == (None, None, None)
    assert (real.total_return, real.return_today, real.starting_cash) == (None, None, None)
    account_of(alice, "live")
    BrokerAccount.objects.update(equity=None, cash=None)
    unreported = read_account(alice, "live", NOW)
    assert (unreported.equity, unreported.cash, unreported.return_today) == (None, None, None)


def test_trades_of_other_users_do_not_count(alice: User, bob: User) -> None:
    make_desk_rows(bob, 2)
    summary = read_account(alice, "paper", NOW)
    assert (summary.performance, summary.lots) == (Performance(), {})
    assert summary.positions == []


def test_the_queries_do_not_grow_with_the_rows(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    load_samples(WALL)
    make_desk_rows(alice, 4)
    make_desk_rows(bob, 30)
    for user in (alice, bob):
        with django_assert_num_queries(8):
            summary = read_account(user, "paper", NOW)
        assert summary.unpriced == []
    BarSeries.objects.filter(symbol="IBM").delete()
    assert read_account(bob, "paper", NOW).unpriced == ["IBM"]
