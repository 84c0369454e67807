"""Unusual bars and invalid input give a readable page or refusal, never a server error."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client

from backtests.models import Backtest
from backtests.services import run_backtest
from strategies.kinds import kinds
from strategies.models import Strategy
from strategies.services import MAX_SYMBOLS
from tests.backtests.pages import NEW, error_of, text_of, url_of
from tests.backtests.runs import NOW, Clock, Make
from tests.livetrading.pipeline.desk import put_bars
from tests.marketdata.examples import daily_bars
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars
from tradedesk.marketdata.library import CACHE

API, COMPARE = "/api/v1/backtests", "/dashboard/backtests/compare"
CHARTS = ("equity", "rolling-sharpe", "exposure", "profit", "r-multiples", "price")
FIRST = date(2012, 3, 5)
Status = Backtest.Status


@pytest.fixture
def empty_store(db: None) -> Iterator[None]:
    """An empty store of bars."""
    CACHE.clear()
    yield
    CACHE.clear()


def flat_bars(count: int, price: float) -> Bars:
    """Sessions with one constant price."""
    level = np.full(count, price)
    return Bars(daily_bars(count, FIRST).time, level, level, level, level, np.full(count, 1000.0))


def completed_backtest(user: User, symbols: list[str], kind: str = "sma_crossover", **changes: Any) -> Backtest:
    """A backtest over all bars of these symbols, created by the API and run."""
    strategy = a_strategy(user, kind=kind, parameters={}, symbols=symbols)
    values: dict[str, Any] = {
        "start_date": "2000-01-03",
        "end_date": "2020-12-31",
        "initial_capital": 100_000,
        "slippage_bps": 0,
    }
    browser = Client()
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = browser.post(API, {"strategy_id": strategy.pk, **values, **changes}, content_type="application/json")
    assert answer.status_code == 202, answer.content
    backtest = Backtest.objects.get(pk=answer.json()["id"])
    run_backtest(backtest.pk, lambda: NOW)
    backtest.refresh_from_db()
    return backtest


def read_everywhere(backtest: Backtest, browser: Client) -> str:
    """The text of its page; API, charts, CSV file and comparison must answer, too."""
    assert backtest.status == Status.COMPLETED, backtest.error
    answer = browser.get(f"{API}/{backtest.pk}")
    assert answer.status_code == 200
    json.loads(answer.content, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    for chart in CHARTS:
        drawn = browser.get(url_of(backtest, chart))
        assert drawn.status_code == 200, chart
        json.loads(drawn.content, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert browser.get(url_of(backtest, "trades_csv")).getvalue()
    assert browser.get("/dashboard/backtests").status_code == 200
    twin = Backtest.objects.create(
        **{
            field.name: getattr(backtest, field.name)
            for field in Backtest._meta.concrete_fields
            if not field.primary_key
        }
    )
    for url in (COMPARE, f"{COMPARE}.json", f"{API}/compare"):
        assert browser.get(url, {"ids": f"{backtest.pk},{twin.pk}"}).status_code == 200
    page = browser.get(url_of(backtest))
    assert page.status_code == 200
    return text_of(page)


# --- Unusual bars --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_constant_prices_complete(empty_store: None, alice: User, alices_browser: Client, kind: str) -> None:
    put_bars({symbol: flat_bars(300, 10.0) for symbol in ("FLAT", "EVEN")})
    backtest = completed_backtest(alice, ["FLAT", "EVEN"], kind)
    read_everywhere(backtest, alices_browser)
    assert backtest.metrics["sharpe"] is None
    assert backtest.metrics["total_return"] == 0


@pytest.mark.each_value
@pytest.mark.parametrize("count", [1, 2, 29])
@pytest.mark.parametrize("kind", sorted(kinds()))
def test_fewer_bars_than_a_kind_needs_complete(
    empty_store: None, alice: User, alices_browser: Client, kind: str, count: int
) -> None:
    put_bars({"NEW": daily_bars(count, FIRST)})
    backtest = completed_backtest(alice, ["NEW"], kind)
    shown = read_everywhere(backtest, alices_browser)
    assert backtest.metrics["trades"] == 0
    assert ("there are no signals" in shown) == (backtest.make_kind().warmup() > count)


def test_a_backtest_without_trades_completes(empty_store: None, alice: User, alices_browser: Client) -> None:
    """Prices that rise from the first bar never cross their moving averages."""
    put_bars({"RISE": daily_bars(400, FIRST)})
    backtest = completed_backtest(alice, ["RISE"])
    read_everywhere(backtest, alices_browser)
    assert backtest.metrics["trades"] == 0


def test_a_symbol_with_a_later_first_bar_is_traded_from_then(
    empty_store: None, alice: User, alices_browser: Client
) -> None:
    early = daily_bars(400, FIRST)
    put_bars({"EARLY": early, "LATE": daily_bars(100, date(2013, 3, 4))})
    backtest = completed_backtest(alice, ["EARLY", "LATE"], "buy_and_hold")
    shown = read_everywhere(backtest, alices_browser)
    assert "LATE has bars from 2013-03-04" in shown
    bought = {trade.symbol: trade.entry_time for trade in backtest.trades.all()}
    assert bought["LATE"] > datetime(2013, 3, 4, tzinfo=UTC) > bought["EARLY"]


@pytest.mark.parametrize(("price", "capital"), [(0.02, 1e9), (1e6, 1e9), (1e8, 1.0), (9e7, 1e9)])
def test_extreme_prices_and_capital_complete(
    empty_store: None, alice: User, alices_browser: Client, price: float, capital: float
) -> None:
    bars = daily_bars(60, FIRST)
    scale = price / bars.close[0]
    open_, high, low, close = (values * scale for values in (bars.open, bars.high, bars.low, bars.close))
    put_bars({"EXTREME": Bars(bars.time, open_, high, low, close, bars.volume)})
    backtest = completed_backtest(alice, ["EXTREME"], "buy_and_hold", initial_capital=capital, fractional=True)
    read_everywhere(backtest, alices_browser)


# --- Invalid input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        ("ZZZZ", "manage.py import_bars FILE --symbol ZZZZ"),
        (", ".join(f"S{number}" for number in range(200)), f"At most {MAX_SYMBOLS} symbols, not 200."),
        ("AAPL, <script>", "is not a symbol"),
        ("A" * 100_000, "is not a symbol"),
    ],
)
def test_invalid_symbols_are_refused_at_their_field(
    strategy: Strategy, alices_browser: Client, symbols: str, message: str
) -> None:
    values = {"start_date": "2005-01-03", "end_date": "2010-12-31", "initial_capital": 1000}
    page = alices_browser.post(NEW, {"strategy": strategy.pk, "symbols": symbols, **values})
    assert page.status_code == 422
    assert message in error_of(page, "symbols")
    body = {"strategy_id": strategy.pk, "symbols": symbols.split(", "), **values}
    answer = alices_browser.post(API, body, content_type="application/json")
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["field"].partition(".")[0] == "symbols"
    if len(symbols) < 1_000:  # else the API refuses the size before the service looks at it
        assert message in problem["message"]
    assert len(problem["message"]) < 1000
    assert not Backtest.objects.exists()


@pytest.mark.parametrize(
    "field", ["initial_capital", "commission_per_order", "position_size_pct", "max_positions", "daily_loss_limit"]
)
def test_an_invalid_number_is_refused_at_its_field(strategy: Strategy, alices_browser: Client, field: str) -> None:
    for number in ("nan", "NaN", "inf", "-inf", "1e400", "1e30", "-1", "0x10", "--1", "٣x"):
        values = {"start_date": "2005-01-03", "end_date": "2010-12-31", "initial_capital": "1000", field: number}
        page = alices_browser.post(NEW, {"strategy": strategy.pk, **values})
        assert page.status_code == 422, number
        assert error_of(page, field), number


@pytest.mark.parametrize("pk", ["0", "9" * 18, "9" * 19, "9" * 40, "-1", "x", "1.5", "%00"])
def test_an_unknown_id_is_not_found(strategy: Strategy, alices_browser: Client, pk: str) -> None:
    for path in ("", "/progress", "/trades.csv", "/equity.json", "/delete"):
        assert alices_browser.get(f"/dashboard/backtests/{pk}{path}").status_code == 404, path
    for path in ("", "/trades.csv"):
        answer = alices_browser.get(f"{API}/{pk}{path}")
        assert answer.status_code == 404
    assert alices_browser.delete(f"{API}/{pk}").status_code == 404


@pytest.mark.parametrize("trade", ["0", "9" * 19, "9" * 40, "9" * 5000, "-1", "x", "٣"])
def test_an_unknown_trade_in_the_address_is_ignored(
    completed: Backtest, alices_browser: Client, trade: str
) -> None:
    assert alices_browser.get(f"/dashboard/backtests/{completed.pk}", {"trade": trade}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_equal_backtests_run_at_once_give_the_same_result(make: Make, clock: Clock) -> None:
    both, together = [make(), make()], Barrier(2)

    def work(backtest: Backtest) -> None:
        together.wait(20)
        run_backtest(backtest.pk, lambda: NOW)
        connection.close()

    workers = [Thread(target=work, args=[backtest]) for backtest in both]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    one, other = Backtest.objects.all()
    assert (one.status, other.status) == (Status.COMPLETED, Status.COMPLETED)
    assert one.provenance["result"] == other.provenance["result"]
    assert one.metrics == other.metrics


@pytest.mark.parametrize("status", Status)
def test_a_repeated_cancellation_reports_the_status(make: Make, alices_browser: Client, status: Status) -> None:
    backtest = make()
    Backtest.objects.update(status=status, started_at=NOW - timedelta(seconds=9))
    ended = status if status in Backtest.FINISHED else Status.CANCELLED
    for _ in range(2):
        answer = alices_browser.post(f"{API}/{backtest.pk}/cancel")
        assert (answer.status_code, answer.json()) == (200, {"id": backtest.pk, "status": ended})
        page = alices_browser.post(url_of(backtest, "cancel"), follow=True)
        assert page.status_code == 200
    run_backtest(backtest.pk, lambda: NOW)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.attempts) == (ended, 0)
