"""The trades, positions and days of a mode, and the addresses of the older desk."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from livetrading.models import AccountDay, DailySummary, LiveStrategy
from strategies.models import Strategy
from tests.api.client import ApiClient, field_messages
from tests.api.closes import close_of
from tests.livetrading.factories import (
    NOW,
    TODAY,
    closed,
    make_backtest,
    make_live_strategy,
    make_live_trade,
    make_paper_trade,
    report_figures,
)
from tradedesk.accounts import tokens
from tradedesk.accounts.models import ApiToken, User
from tradedesk.marketdata.sessions import daily_time
from tradedesk.notifications.events import Event
from tradedesk.notifications.services import notify

pytestmark = pytest.mark.usefixtures("market")
FRIDAY = TODAY - timedelta(days=3)
OLDER = ["/api/status", "/api/trades", "/api/dashboard", "/api/chart-data", "/api/alerts", "/api/export"]


def test_a_position_is_the_sum_of_its_lots(alices: ApiClient, alice: User) -> None:
    make_paper_trade(user=alice, target_price=Decimal(40))
    make_paper_trade(user=alice, entry_time=NOW, entry_price=Decimal(20), stop_price=Decimal(18))
    (position,) = alices.get("/api/paper/positions").json["items"]
    last = close_of("AAPL")
    wanted = {
        "symbol": "AAPL",
        "side": "long",
        "shares": 20,
        "entry_price": 25,
        "current_price": pytest.approx(last, abs=1e-6),
        "unrealized_pnl": pytest.approx(20 * (last - 25), abs=1e-3),
        "unrealized_pct": pytest.approx(100 * (last / 25 - 1), abs=1e-3),
        "stop_loss": None,
        "take_profit": None,
        "entry_time": "2010-03-01T05:00:00Z",
    }
    assert {name: position[name] for name in wanted} == wanted
    assert [(lot["shares"], lot["stop_price"]) for lot in position["lots"]] == [(10, 27), (10, 18)]
    assert alices.get("/api/live/positions").json == {"items": [], "count": 0}


def test_the_stop_of_one_lot_is_that_of_its_position(alices: ApiClient, alice: User) -> None:
    make_paper_trade(user=alice, target_price=Decimal(40))
    (position,) = alices.get("/api/paper/positions").json["items"]
    assert (position["stop_loss"], position["take_profit"]) == (27, 40)


def test_the_trades_of_both_modes_in_any_mode(alices: ApiClient, alice: User) -> None:
    paper, live = make_paper_trade(user=alice), make_live_trade(user=alice, symbol="IBM")
    for mode in ("paper", "live"):
        User.objects.filter(pk=alice.pk).update(mode=mode)
        ids = {
            of: [each["id"] for each in alices.get(f"/api/{of}/trades").json["items"]] for of in ("paper", "live")
        }
        assert ids == {"paper": [paper.pk], "live": [live.pk]}
        (mine,) = alices.get("/api/trades").json["items"]
        assert mine["symbol"] == {"paper": "AAPL", "live": "IBM"}[mode]


def test_trades_by_number_of_page_or_by_offset(alices: ApiClient, alice: User) -> None:
    made = [make_paper_trade(user=alice, **closed(daily_time(TODAY) + timedelta(hours=hour))) for hour in range(5)]
    newest = [trade.pk for trade in made[::-1]]

    def ids(query: str) -> list[int]:
        answer = alices.get(f"/api/paper/trades?{query}").json
        assert answer["count"] == 5
        return [item["id"] for item in answer["items"]]

    assert ids("page=1&page_size=2") == newest[:2]
    assert ids("page=3&page_size=2") == newest[4:]
    assert ids("page=9&page_size=2") == []
    assert ids("limit=2&offset=1") == newest[1:3]
    for wrong in ("page=0", "page_size=0", "page_size=201", "page=x", f"page={10**30}"):
        field_messages(alices.get(f"/api/paper/trades?{wrong}"))


def test_the_filters_of_trades(alices: ApiClient, alice: User) -> None:
    live = make_live_strategy(user=alice)
    won = make_paper_trade(user=alice, live_strategy=live, **closed(daily_time(TODAY)))
    lost = make_paper_trade(user=alice, symbol="IBM", **closed(daily_time(FRIDAY), exit_price=20))
    held = make_paper_trade(user=alice)
    for query, expected in (
        (f"strategy_id={live.pk}", {won.pk}),
        ("symbol=ibm", {lost.pk}),
        ("side=long", {won.pk, lost.pk, held.pk}),
        ("side=short", set()),
        ("result=win", {won.pk}),
        ("result=open", {held.pk}),
        (f"start_date={FRIDAY}&end_date={FRIDAY}", {lost.pk}),
    ):
        assert {item["id"] for item in alices.get(f"/api/paper/trades?{query}").json["items"]} == expected, query
    for query, field in (
        ("symbol=no symbol", "symbol"),
        ("side=up", "side"),
        ("result=maybe", "result"),
        ("start_date=1-2-3", "start_date"),
        ("end_date=9999-12-31", "end_date"),
        (f"strategy_id={10**30}", "strategy_id"),
    ):
        assert set(field_messages(alices.get(f"/api/paper/trades?{query}"))) == {field}


def test_the_days_of_an_account(alices: ApiClient, alice: User) -> None:
    account = report_figures(alice, equity=101_000, cash=90_000)
    AccountDay.objects.create(account=account, day=FRIDAY, start=Decimal(100_000), equity=Decimal(102_000))
    AccountDay.objects.create(account=account, day=date(2010, 3, 4), start=Decimal(0), equity=Decimal(100_000))
    account.equity_day, account.day_start_equity = TODAY, Decimal(102_000)
    account.save()
    figures = {"today": 2000, "realized": 1500, "open_pnl": 500, "positions": 2, "fills": 3, "refusals": 1}
    DailySummary.objects.create(account=account, session=FRIDAY, halts=0, **figures)
    answer = alices.get("/api/paper/daily-summary").json
    assert answer["count"] == 3
    assert [(day["day"], day["equity"], day["pnl"], day["pnl_pct"]) for day in answer["items"]] == [
        ("2010-03-08", 101_000, -1000, pytest.approx(-100 / 102)),
        ("2010-03-05", 102_000, 2000, 2),
        ("2010-03-04", 100_000, 100_000, None),
    ]
    today, friday, _ = answer["items"]
    assert (friday["realized_pnl"], friday["fills"], today["fills"]) == (1500, 3, None)
    assert len(alices.get("/api/paper/daily-summary?days=2").json["items"]) == 2
    for wrong in ("0", "367", "x"):
        assert set(field_messages(alices.get(f"/api/paper/daily-summary?days={wrong}"))) == {"days"}
    assert alices.get("/api/chart-data").json == {
        "times": ["2010-03-04", "2010-03-05", "2010-03-08"],
        "equities": [100_000, 102_000, 101_000],
    }


def test_without_an_account_there_is_nothing(alices: ApiClient) -> None:
    assert alices.get("/api/live/daily-summary").json == {"items": [], "count": 0}
    account = alices.get("/api/live/account").json
    assert (account["account_id"], account["equity"], account["costs"]) == (None, None, None)
    assert alices.get("/api/chart-data").json == {"times": [], "equities": []}


def test_results_are_completed_backtests(alices: ApiClient, bobs: ApiClient, alice: User) -> None:
    done = make_backtest(user=alice, provenance={"version": "0", "kind_code": "0", "engine_code": "0", "data": {}})
    make_backtest(user=alice, status="failed", metrics={})
    assert [each["id"] for each in alices.get("/api/backtest/results").json["items"]] == [done.pk]
    assert alices.get(f"/api/backtest/results/{done.pk}").json["id"] == done.pk
    assert bobs.get(f"/api/backtest/results/{done.pk}").status == 404


def test_the_older_desk_deploys_and_stops(alices: ApiClient, bobs: ApiClient, strategy: Strategy) -> None:
    response = alices.post("/api/deploy", {"strategy_id": strategy.pk, "symbols": ["AAPL"]})
    assert response.status == 201
    live_id = response.json["live_strategy_id"]
    status = alices.get("/api/status").json
    assert (status["mode"], status["running"], status["active_strategies"]) == ("paper", True, 1)
    assert bobs.post("/api/stop", {"live_strategy_id": live_id}).status == 404
    assert alices.post("/api/stop", {"live_strategy_id": live_id}).json["status"] == "stopped"
    assert LiveStrategy.objects.get().status == "stopped"
    assert alices.get("/api/status").json["running"] is False
    LiveStrategy.objects.update(status="active")
    User.objects.filter(email="alice@example.com").update(mode="live")
    status = alices.get("/api/status").json
    assert (status["mode"], status["running"], status["active_strategies"]) == ("live", False, 0)
    assert set(field_messages(alices.post("/api/stop", {}))) == {"live_strategy_id"}


def test_the_older_desk_reads(alices: ApiClient, bobs: ApiClient, charlies: ApiClient, alice: User) -> None:
    make_paper_trade(user=alice, **closed(daily_time(TODAY)))
    notify(alice, Event.ORDER_FILLED, "Bought 10 AAPL at $30.00", "/trades?mode=paper", NOW)
    assert alices.get("/api/dashboard").json == alices.get("/api/v1/live-trading/dashboard").json
    assert alices.get("/api/alerts").json["count"] == 1
    assert bobs.get("/api/alerts").json["count"] == bobs.get("/api/trades").json["count"] == 0
    for path in OLDER:
        assert charlies.get(path).status == 401


def test_the_export_is_the_file_of_the_page(alice: User) -> None:
    make_paper_trade(user=alice, **closed(daily_time(TODAY)))
    make_paper_trade(user=alice, symbol="IBM")
    browser = Client()
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    exported = browser.get("/api/export?symbol=IBM")
    assert exported["Content-Type"] == "text/csv; charset=utf-8"
    assert exported.getvalue() == browser.get("/trades.csv?symbol=IBM").getvalue()


def test_a_token_that_reads_does_not_deploy_or_stop(alice: User, strategy: Strategy) -> None:
    live = make_live_strategy(user=alice)
    reader = ApiClient(None)
    issued = tokens.issue(alice, timezone.now(), scope=ApiToken.Scope.READ)
    reader._headers["Authorization"] = f"Bearer {issued.token}"
    for path in (*OLDER[:-1], "/api/paper/trades", "/api/live/account", "/api/backtest/results"):
        assert reader.get(path).status == 200
    assert reader.post("/api/deploy", {"strategy_id": strategy.pk, "symbols": ["AAPL"]}).status == 403
    assert reader.post("/api/stop", {"live_strategy_id": live.pk}).status == 403
    assert LiveStrategy.objects.get().status == "active"
