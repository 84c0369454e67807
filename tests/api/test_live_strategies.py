"""Live strategies, signals and positions through the API."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import BrokerAccount, LiveStrategy, SignalHistory
from livetrading.summaries.desk import read_desk
from tests.api.client import ApiClient
from tests.api.closes import close_of
from tests.livetrading.factories import (
    NOW,
    TODAY,
    closed,
    make_desk_rows,
    make_incident,
    make_live_strategy,
    make_live_trade,
    make_order,
    make_paper_trade,
    make_signal,
    make_stop,
    report_figures,
)
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import daily_time

LIVE = "/api/v1/live-trading"
STRATEGIES, SIGNALS, POSITIONS = f"{LIVE}/strategies", f"{LIVE}/signals/recent", f"{LIVE}/positions"

pytestmark = pytest.mark.usefixtures("market")


def test_a_live_strategy_has_limits_counters_and_its_last_check(alices: ApiClient, alice: User) -> None:
    live = make_live_strategy(
        user=alice,
        name="Mine",
        last_check_at=NOW,
        last_bar_time=daily_time(TODAY),
        last_error="The last check failed: no bars",
        failures=3,
        daily_loss_limit=Decimal("250.5"),
        take_profit_pct=0.2,
    )
    seen = make_signal(live_strategy=live)
    ordered = make_signal(live_strategy=live, side="sell", explanation="SMA 10 crossed below SMA 30")
    make_order(user=alice, live_strategy=live, signal=ordered)
    make_paper_trade(user=alice, live_strategy=live)
    make_paper_trade(user=alice, live_strategy=live, **closed(daily_time(TODAY)))
    gain = pytest.approx(10 * (close_of("AAPL") - 30), abs=1e-4)

    response = alices.get(f"{STRATEGIES}/{live.pk}")
    assert response.status == 200
    assert response.json == {
        "id": live.pk,
        "name": "Mine",
        "status": "active",
        "degraded": "The last check failed: no bars",
        "mode": "paper",
        "strategy_id": None,
        "backtest_id": None,
        "previous_version_id": None,
        "promoted_from_id": None,
        "size_fraction": 1.0,
        "kind": "sma_crossover",
        "parameters": {"fast": 10, "slow": 30},
        "symbols": ["AAPL", "MSFT"],
        "timeframe": "1Day",
        "deployed_at": "2010-03-08T21:00:00Z",
        "next_check_at": "2010-03-08T21:00:00Z",
        "last_check": {
            "at": "2010-03-08T21:00:00Z",
            "bar_time": "2010-03-08T05:00:00Z",
            "error": "The last check failed: no bars",
            "failures": 3,
            "signal": {
                "symbol": "AAPL",
                "side": "sell",
                "bar_time": ordered.bar_time.isoformat().replace("+00:00", "Z"),
                "explanation": "SMA 10 crossed below SMA 30",
            },
        },
        "limits": {
            "check_interval": 300,
            "auto_execute": True,
            "on_leaving": "notify",
            "max_positions": 5,
            "position_size_pct": 0.02,
            "max_position_size": None,
            "stop_loss_pct": 0.1,
            "trailing_stop_pct": None,
            "trailing_stop_atr": None,
            "take_profit_pct": 0.2,
            "signal_threshold": 0.6,
            "daily_loss_limit": 250.5,
            "max_drawdown_pct": None,
            "cooldown_bars": None,
            "fractional": False,
        },
        "counters": {"signals": 2, "orders": 1, "trades": 2, "trades_today": 1, "open_positions": 1},
        "pnl": response.json["pnl"],
        "evidence": None,
    }
    assert response.json["pnl"]["realized"] == 30
    assert response.json["pnl"]["unrealized"] == gain
    assert response.json["pnl"]["total"] == pytest.approx(30 + response.json["pnl"]["unrealized"])
    assert seen.pk != ordered.pk


def test_before_the_first_check_the_last_check_is_empty(alices: ApiClient, alice: User) -> None:
    live = make_live_strategy(user=alice, status="stopped")
    response = alices.get(f"{STRATEGIES}/{live.pk}").json
    assert response["last_check"] == {"at": None, "bar_time": None, "error": None, "failures": 0, "signal": None}
    assert response["next_check_at"] is None
    assert set(response["counters"].values()) == {0}


def test_the_list_is_ordered_and_filtered_by_status(alices: ApiClient, alice: User) -> None:
    rows = {
        status: make_live_strategy(user=alice, status=status).pk
        for status in ("stopped", "error", "active", "paused")
    }
    assert [row["status"] for row in alices.get(STRATEGIES).json["items"]] == [
        "active",
        "error",
        "paused",
        "stopped",
    ]
    paused = alices.get(f"{STRATEGIES}?status=paused").json
    assert ([row["id"] for row in paused["items"]], paused["count"]) == ([rows["paused"]], 1)
    refused = alices.get(f"{STRATEGIES}?status=running")
    assert refused.status == 422
    assert refused.json["detail"][0]["field"] == "status"


def test_the_count_is_of_the_whole_list(alices: ApiClient, alice: User) -> None:
    pks = [make_live_strategy(user=alice).pk for _ in range(5)]
    page = alices.get(f"{STRATEGIES}?limit=2&offset=2").json
    assert ([row["id"] for row in page["items"]], page["count"]) == ([pks[2], pks[1]], 5)


def test_start_pause_and_stop_return_the_new_status(alices: ApiClient, alice: User) -> None:
    live = make_live_strategy(user=alice)
    for action, status in (("pause", "paused"), ("start", "active"), ("stop", "stopped"), ("start", "active")):
        response = alices.post(f"{STRATEGIES}/{live.pk}/{action}")
        assert (response.status, response.json["id"], response.json["status"]) == (200, live.pk, status)
        live.refresh_from_db()
        assert live.status == status


@pytest.mark.parametrize(
    ("status", "action"),
    [("active", "start"), ("paused", "pause"), ("stopped", "pause"), ("stopped", "stop"), ("error", "pause")],
)
def test_an_action_that_does_not_fit_the_status_is_409(
    alices: ApiClient, alice: User, status: str, action: str
) -> None:
    live = make_live_strategy(user=alice, name="Mine", status=status)
    response = alices.post(f"{STRATEGIES}/{live.pk}/{action}")
    assert response.status == 409
    assert live.name in response.json["detail"]
    assert LiveStrategy.objects.get().status == status


def test_an_identical_active_deployment_prevents_a_start(alices: ApiClient, alice: User) -> None:
    make_live_strategy(user=alice, fingerprint="same")
    stopped = make_live_strategy(user=alice, fingerprint="same", status="stopped")
    response = alices.post(f"{STRATEGIES}/{stopped.pk}/start")
    assert response.status == 409
    stopped.refresh_from_db()
    assert stopped.status == "stopped"


def test_signals_have_their_outcome_and_order(alices: ApiClient, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Mine")
    refused = make_signal(live_strategy=live)
    filled = make_signal(live_strategy=live, outcome=SignalHistory.Outcome.ORDERED, reason="")
    order = make_order(user=alice, live_strategy=live, signal=filled, state="filled")
    response = alices.get(SIGNALS).json
    assert response["count"] == 2
    newest, oldest = response["items"]
    assert newest == {
        "id": filled.pk,
        "live_strategy_id": live.pk,
        "live_strategy_name": "Mine",
        "symbol": "AAPL",
        "side": "buy",
        "bar_time": filled.bar_time.isoformat().replace("+00:00", "Z"),
        "strength": 0.75,
        "price": 31.25,
        "explanation": "SMA 10 crossed above SMA 30",
        "code": None,
        "outcome": "filled",
        "reason": None,
        "order_id": str(order.pk),
        "created_at": "2010-03-08T21:00:00Z",
        "waits_until": None,
    }
    assert (oldest["id"], oldest["outcome"], oldest["order_id"]) == (refused.pk, "refused", None)
    assert oldest["reason"] == refused.reason != ""


def test_positions_are_the_sum_of_their_lots(alices: ApiClient, alice: User) -> None:
    live = make_live_strategy(user=alice)
    first = make_paper_trade(user=alice, live_strategy=live, target_price=Decimal(40))
    make_paper_trade(user=alice, quantity=Decimal(30), entry_price=Decimal(34))
    make_paper_trade(user=alice, **closed(NOW))
    make_live_trade(user=alice, symbol="IBM")
    (position,) = alices.get(POSITIONS).json["items"]
    last = close_of("AAPL")
    assert (position["symbol"], position["shares"], position["average_price"]) == ("AAPL", 40, 33)
    assert position["last_price"] == pytest.approx(last)
    assert position["market_value"] == pytest.approx(40 * last, rel=1e-6)
    assert position["unrealized_pnl"] == pytest.approx(40 * (last - 33), abs=1e-3)
    assert position["unrealized_pct"] == pytest.approx(100 * (last / 33 - 1), abs=1e-4)
    lot = position["lots"][0]
    assert lot["unrealized_pct"] == pytest.approx(100 * (last / 30 - 1), abs=1e-4)
    assert {
        name: lot[name] for name in ("trade_id", "live_strategy_id", "shares", "stop_price", "target_price")
    } == {
        "trade_id": first.pk,
        "live_strategy_id": live.pk,
        "shares": 10,
        "stop_price": 27,
        "target_price": 40,
    }
    assert position["lots"][1]["live_strategy_id"] is None


def test_live_mode_shows_the_live_account(alices: ApiClient, alice: User) -> None:
    make_paper_trade(user=alice)
    make_live_trade(user=alice, symbol="IBM")
    report_figures(alice, equity=5_000, cash=1_000, mode="live")
    User.objects.filter(pk=alice.pk).update(mode="live")
    assert [position["symbol"] for position in alices.get(POSITIONS).json["items"]] == ["IBM"]
    dashboard = alices.get(f"{LIVE}/dashboard").json
    assert (dashboard["mode"], dashboard["executed_trades"], dashboard["equity"]) == ("live", 1, 5000)


def test_a_symbol_without_bars_has_no_price(alices: ApiClient, alice: User) -> None:
    make_paper_trade(user=alice, symbol="ZZZZ")
    (position,) = alices.get(POSITIONS).json["items"]
    without = ("last_price", "unrealized_pnl", "unrealized_pct")
    assert [position[name] for name in without] == [None, None, None]
    assert position["market_value"] == 300


def test_the_dashboard_has_the_figures_of_the_page(alices: ApiClient, alice: User) -> None:
    make_desk_rows(alice, 3)
    make_live_strategy(user=alice, status="paused")
    make_live_strategy(user=alice, status="error")
    make_signal(live_strategy=LiveStrategy.objects.earliest("pk"), created_at=NOW - timedelta(days=3))
    desk = read_desk(alice, NOW)
    performance = desk.account.performance
    expected: dict[str, Any] = {
        "mode": "paper",
        "day": "2010-03-08",
        "active_strategies": 3,
        "error_strategies": 1,
        "paused_strategies": 1,
        "stopped_strategies": 0,
        "signals_today": 3,
        "orders_today": 3,
        "executed_trades": 6,
        "trades_today": performance.trades_today,
        "open_positions": 3,
        "pnl_today": float(performance.today),
        "pnl_total": float(performance.total),
        "return_today_pct": pytest.approx(100 * (desk.account.return_today or 0)),
        "return_total_pct": pytest.approx(float(performance.total) / 1000),
        "equity": float(desk.account.equity or 0),
        "cash": float(desk.account.cash or 0),
        "snapshot_at": None,
        "account_state": "connected",
        "account_state_reason": None,
        "entries_stopped": None,
        "open_incidents": 3,
    }
    assert alices.get(f"{LIVE}/dashboard").json == expected
    assert performance.total != 0


def test_the_dashboard_says_what_is_wrong_with_the_account(
    alices: ApiClient, bobs: ApiClient, alice: User
) -> None:
    account = report_figures(alice, equity=98_765.43, cash=50_000)
    make_incident(account=account)
    make_incident(account=account, resolved_at=NOW)
    stopped = {"entries_stopped_at": NOW, "entries_stopped_by": "alice@example.com"}
    BrokerAccount.objects.update(state="degraded", state_reason="The broker is away.", **stopped)
    expected = {
        "equity": 98_765.43,
        "cash": 50_000,
        "snapshot_at": "2010-03-08T21:00:00Z",
        "account_state": "degraded",
        "account_state_reason": "The broker is away.",
        "entries_stopped": {"since": "2010-03-08T21:00:00Z", "by": "alice@example.com", "reason": None},
        "open_incidents": 1,
    }
    dashboard = alices.get(f"{LIVE}/dashboard").json
    assert {name: dashboard[name] for name in expected} == expected
    # Before his first deployment Bob has no account.
    empty = bobs.get(f"{LIVE}/dashboard").json
    none = ("snapshot_at", "account_state", "account_state_reason", "entries_stopped")
    assert [empty[name] for name in none] == [None] * 4
    assert (empty["equity"], empty["open_incidents"]) == (100_000, 0)


def test_a_lot_says_where_its_stop_is_kept(alices: ApiClient, alice: User) -> None:
    make_stop(trade=make_paper_trade(user=alice))
    make_stop(trade=make_paper_trade(user=alice, symbol="GOOG"), holder="desk", state="guarded")
    make_paper_trade(user=alice, symbol="IBM")
    protection = [position["lots"][0]["protection"] for position in alices.get(POSITIONS).json["items"]]
    assert protection == ["At the broker, with the entry", "Guarded by the desk", None]
