"""Alice's own series hides the one for all users in everything of hers, and in nothing of Bob's."""

from datetime import date

import pytest

from backtests.services import create_backtest, run_backtest
from livetrading.pipeline.evaluate import evaluate
from tests.livetrading.brokers.simulation.simulated_account import broker_of, fills_of, match_until, submit
from tests.livetrading.factories import make_live_strategy, make_strategy
from tests.livetrading.made_bars import CLOSES, DAYS, NOW, flat, store_bars
from tests.livetrading.pipeline.desk import open_account
from tradedesk.accounts.models import User
from tradedesk.marketdata.quotes import read_quotes
from tradedesk.marketdata.series import SeriesKey, save_series


@pytest.fixture
def own(alice: User) -> None:
    store_bars(AAPL=flat(10, 11, 12))
    key = SeriesKey("csv", "AAPL", "1Day", alice.pk)
    save_series(key, flat(20, 21, 22), adjusted=True, stored=None, now=NOW)


def test_checks_quotes_and_fills_of_an_account_read_the_same_series(own: None, alice: User, bob: User) -> None:
    for user, first in ((alice, 20), (bob, 10)):
        account = open_account(user, 10_000.0)
        live = make_live_strategy(user=user, account=account.broker_account, symbols=["AAPL"])
        evaluations, errors = evaluate([live], CLOSES[2])
        assert (evaluations[live.pk].closes, errors) == ({"AAPL": first + 2}, {})
        assert read_quotes(user.pk, [("AAPL", "1Day")], CLOSES[2])["AAPL", "1Day"].close == first + 2
        submit(account, user.email, CLOSES[0])
        match_until(account, CLOSES[1])
        assert fills_of(account) == [(user.email, 1, 10, first + 1)]
        shares = account.fills.get().quantity
        equity = broker_of(account, CLOSES[2]).account().equity
        account.refresh_from_db()
        assert equity == account.cash + shares * (first + 2)


def test_a_set_of_two_users_is_refused(own: None, alice: User, bob: User) -> None:
    with pytest.raises(ValueError, match="one user"):
        evaluate([make_live_strategy(user=alice), make_live_strategy(user=bob)], CLOSES[2])


def test_a_backtest_reads_and_records_the_series_of_its_user(own: None, alice: User, bob: User) -> None:
    closes = {}
    for user in (alice, bob):
        strategy = make_strategy(user=user, kind="buy_and_hold", parameters={}, symbols=["AAPL"])
        backtest = create_backtest(
            user,
            strategy,
            start_date=date(2012, 3, 5),
            end_date=DAYS[2],
            initial_capital=10_000,
            wall_now=NOW,
            slippage_bps=0,
        )
        run_backtest(backtest.pk, lambda: NOW)
        backtest.refresh_from_db()
        assert backtest.error == ""
        closes[user.email] = (
            float(backtest.trades.get().entry_price),
            backtest.provenance["data"]["AAPL"]["fingerprint"],
        )
    (alices, one), (bobs, other) = closes.values()
    assert (alices, bobs, one == other) == (21, 11, False)
