"""The paper account through the API."""

from decimal import Decimal

import pytest

from livetrading.summaries.account import read_account
from tests.api.client import ApiClient
from tests.api.closes import close_of
from tests.livetrading.factories import (
    NOW,
    TODAY,
    closed,
    make_live_strategy,
    make_live_trade,
    make_paper_trade,
    report_figures,
)
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import daily_time

pytestmark = pytest.mark.usefixtures("market")


def test_paper_positions_are_the_same_in_any_mode(alices: ApiClient, alice: User) -> None:
    make_paper_trade(user=alice)
    User.objects.filter(pk=alice.pk).update(mode="live")
    assert [position["symbol"] for position in alices.get("/api/paper/positions").json["items"]] == ["AAPL"]


def test_paper_trades_are_newest_first_with_open_trades(alices: ApiClient, alice: User) -> None:
    live = make_live_strategy(user=alice)
    sold = make_paper_trade(user=alice, live_strategy=live, commission=Decimal("1.5"), **closed(NOW))
    held = make_paper_trade(user=alice, stop_price=None)
    make_live_trade(user=alice)
    response = alices.get("/api/paper/trades").json
    assert response["count"] == 2
    assert response["items"] == [
        {
            "id": sold.pk,
            "live_strategy_id": live.pk,
            "symbol": "AAPL",
            "shares": 10,
            "entry_time": "2010-03-01T05:00:00Z",
            "entry_price": 30,
            "exit_time": "2010-03-08T21:00:00Z",
            "exit_price": 33,
            "exit_reason": "signal",
            "pnl": 30,
            "return_pct": 10,
            "commission": 1.5,
            "r_multiple": 1,
            "no_r_reason": None,
            "strategy": live.name,
            "side": "long",
            "outcome": "win",
            "stop_price": 27,
            "target_price": None,
        },
        {
            "id": held.pk,
            "live_strategy_id": None,
            "symbol": "AAPL",
            "shares": 10,
            "entry_time": "2010-03-01T05:00:00Z",
            "entry_price": 30,
            "exit_time": None,
            "exit_price": None,
            "exit_reason": None,
            "pnl": 0,
            "return_pct": None,
            "commission": 0,
            "r_multiple": None,
            "no_r_reason": None,
            "strategy": None,
            "side": "long",
            "outcome": "open",
            "stop_price": None,
            "target_price": None,
        },
    ]


def test_the_paper_account_has_the_figures_of_its_books(alices: ApiClient, alice: User) -> None:
    make_paper_trade(user=alice)
    make_paper_trade(user=alice, **closed(daily_time(TODAY)))
    report_figures(alice, equity=100_123.45, cash=99_730)
    account = read_account(alice, "paper", NOW)
    response = alices.get("/api/paper/account").json
    assert response == {
        "mode": "paper",
        "account_id": account.account and account.account.pk,
        "starting_cash": 100_000,
        "buying_power": 100_000,
        "cash": 99_730,
        "equity": 100_123.45,
        "snapshot_at": "2010-03-08T21:00:00Z",
        "market_value": pytest.approx(10 * close_of("AAPL"), abs=1e-3),
        "pnl_today": float(account.performance.today),
        "pnl_total": float(account.performance.total),
        "realized_pnl": 30,
        "unrealized_pnl": float(account.performance.unrealized),
        "return_today_pct": pytest.approx(100 * (account.return_today or 0)),
        "return_total_pct": pytest.approx(response["pnl_total"] / 1000),
        "costs": {"commission_per_order": 0, "commission_per_share": 0, "commission_bps": 0, "slippage_bps": 0},
    }
