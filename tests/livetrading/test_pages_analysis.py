"""The analysis of closed trades: the page, its parts, its charts and the API."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from livetrading.models import LiveStrategy
from livetrading.summaries import closed_trades
from livetrading.summaries.analysis import AT_OPEN
from livetrading.summaries.closed_trades import TradeFilter, read_closed_trades
from tests.livetrading.factories import (
    TODAY,
    at_day,
    closed,
    make_live_strategy,
    make_live_trade,
    make_order,
    make_paper_trade,
    make_signal,
)
from tests.livetrading.made_bars import DAYS, TIMES, store_bars, traded
from tradedesk.accounts.models import Mode, User

PAGE, EXCURSIONS = "/trades/analysis", "/trades/analysis/excursions"
CHARTS = [f"{PAGE}/equity.json", f"{PAGE}/r.json", f"{PAGE}/excursions.json"]
API = "/api/{}/analysis"


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    at_day(TODAY)


def at(day: int, hour: int = 15) -> datetime:
    """In March 2010; 15 o'clock UTC is 10 in New York."""
    return datetime(2010, 3, day, hour, tzinfo=UTC)


@pytest.fixture
def turtle(alice: User) -> LiveStrategy:
    """Three closed trades and an open one: +30 on AAPL by a signal, -30 (-1 R) on IBM by the stop, +60 on AAPL;
    the last one has no strategy and no stop."""
    turtle = make_live_strategy(user=alice, name="Turtle")
    make_paper_trade(user=alice, live_strategy=turtle, entry_time=at(1), **closed(at(2), 33))
    make_paper_trade(
        user=alice,
        live_strategy=turtle,
        symbol="IBM",
        entry_time=at(2, 18),
        commission=Decimal(2),
        **closed(at(4), 27) | {"exit_reason": "stop_loss"},
    )
    make_paper_trade(user=alice, initial_stop_price=None, entry_time=at(4), **closed(at(5), 36))
    make_paper_trade(user=alice, live_strategy=turtle, entry_time=at(5))
    return turtle


def of(browser: Client, query: str = "") -> Any:
    response = browser.get(f"{PAGE}?{query}")
    assert response.status_code == 200
    return response.context["analysis"]


@pytest.mark.usefixtures("turtle")
def test_the_figures_of_three_trades(alices_browser: Client) -> None:
    found = of(alices_browser)
    figures = found.figures
    assert (figures.trades, figures.wins, figures.losses, figures.pnl) == (3, 2, 1, 60.0)
    assert figures.win_rate == pytest.approx(2 / 3)
    assert (figures.profit_factor, figures.expectancy) == (3.0, 20.0)
    assert (figures.mean_r, figures.with_r) == (0.0, 2), "+1 R and -1 R; the third has no stop"
    assert (found.costs.commission, found.costs.gross) == (2.0, 62.0)
    assert (found.starting, found.drawdown.depth) == (100_000.0, 30.0)
    assert found.drawdown_fraction == pytest.approx(30 / 100_030)
    assert (found.streaks.wins, found.streaks.losses, found.streaks.current) == (1, 1, 1)
    assert found.holding.median == 86_400.0
    groups = {
        name: [(row.key, row.figures.trades, row.figures.pnl) for row in table.rows]
        for name, table in found.tables.items()
    }
    assert groups["symbol"] == [("AAPL", 2, 90.0), ("IBM", 1, -30.0)]
    assert [(key[1], *rest) for key, *rest in groups["strategy"]] == [("No strategy", 1, 60.0), ("Turtle", 2, 0.0)]
    assert groups["weekday"] == [("Monday", 1, 30.0), ("Tuesday", 1, -30.0), ("Thursday", 1, 60.0)]
    assert groups["hour"] == [("10:00", 2, 90.0), ("13:00", 1, -30.0)]
    assert groups["reason"] == [("Signal", 2, 90.0), ("Stop loss", 1, -30.0)]
    assert groups["holding"] == [("1 to 7 days", 3, 60.0)]


def test_a_daily_bar_has_no_hour(alices_browser: Client, alice: User) -> None:
    make_paper_trade(user=alice, **closed(at(4)))
    assert [row.key for row in of(alices_browser).tables["hour"].rows] == [AT_OPEN]


def test_each_filter(alices_browser: Client, turtle: LiveStrategy) -> None:
    cases = {
        f"strategy={turtle.pk}": 2,
        "symbol=ibm": 1,
        "since=2010-03-04": 2,
        "until=2010-03-04": 2,
        "since=2010-03-04&until=2010-03-04&symbol=IBM": 1,
        "symbol=GOOG": 0,
        "mode=live": 0,
    }
    found = {query: of(alices_browser, query).figures.trades for query in cases}
    assert found == cases


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("strategy=99999", "strategy"),
        ("strategy=x", "strategy"),
        ("strategy=99999999999999999999999", "strategy"),
        ("symbol=%00", "symbol"),
        ("symbol=no symbol", "symbol"),
        ("since=2010-13-01", "since"),
        ("until=never", "until"),
        ("since=0001-01-01", "since"),
        ("since=2010-03-05&until=2010-03-04", "until"),
    ],
)
@pytest.mark.usefixtures("turtle")
def test_a_bad_filter_has_its_message_at_the_field(alices_browser: Client, query: str, field: str) -> None:
    response = alices_browser.get(f"{PAGE}?{query}")
    assert response.status_code == 200
    assert list(response.context["filters"].errors) == [field]
    assert f'id="filter_{field}_error"' in response.content.decode()
    for chart in CHARTS:
        assert alices_browser.get(f"{chart}?{query}").status_code == 200


@pytest.mark.parametrize("path", [PAGE, EXCURSIONS, *CHARTS])
def test_an_unknown_mode_is_refused(alices_browser: Client, path: str) -> None:
    assert alices_browser.get(f"{path}?mode=demo").status_code == 400


@pytest.mark.parametrize("mode", Mode.values)
def test_the_mode_of_the_user_is_the_default(alices_browser: Client, alice: User, mode: str) -> None:
    make_paper_trade(user=alice, **closed(at(4)))
    make_live_trade(user=alice, **closed(at(4)))
    make_live_trade(user=alice, **closed(at(4)))
    User.objects.filter(pk=alice.pk).update(mode=mode)
    assert of(alices_browser).figures.trades == (1 if mode == Mode.PAPER else 2)
    assert of(alices_browser, "mode=live").figures.trades == 2


@pytest.mark.usefixtures("turtle")
def test_nobody_else_sees_them(alices_browser: Client, bobs_browser: Client, charlies_browser: Client) -> None:
    for path in (PAGE, EXCURSIONS, *CHARTS):
        assert charlies_browser.get(path).status_code == 302
    assert charlies_browser.get(API.format("paper")).status_code == 401
    assert (of(alices_browser).figures.trades, of(bobs_browser).figures.trades) == (3, 0)
    assert "Turtle" not in bobs_browser.get(PAGE).content.decode()
    assert bobs_browser.get(CHARTS[0]).json()["time"] == []
    assert bobs_browser.get(API.format("paper")).json()["figures"]["trades"] == 0


def test_an_empty_page_says_what_to_do_next(alices_browser: Client, turtle: LiveStrategy) -> None:
    empty, unmatched = (alices_browser.get(f"{PAGE}?{query}") for query in ("mode=live", "symbol=GOOG"))
    action = 'class="btn btn-primary btn-sm" href="{}"'
    assert action.format("/trades?mode=live") in empty.content.decode()
    assert action.format(f"{PAGE}?mode=paper") in unmatched.content.decode()
    assert turtle.papertrades.count() == 3


def test_only_the_newest_are_analysed_and_the_page_says_so(
    alices_browser: Client, turtle: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'id="cut"' not in alices_browser.get(PAGE).content.decode()
    monkeypatch.setattr(closed_trades.read_closed_trades, "__defaults__", (2,))
    response = alices_browser.get(PAGE)
    assert response.context["analysis"].figures.pnl == 30.0, "-30 and +60; the first is older"
    assert 'id="cut"' in response.content.decode()
    assert alices_browser.get(API.format("paper")).json()["older_trades"] is True
    assert turtle.pk


def test_queries_do_not_grow_with_trades(alices_browser: Client, alice: User) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert alices_browser.get(path).status_code == 200
        return len(captured)

    paths = (PAGE, EXCURSIONS, *CHARTS, API.format("paper"))
    counts = []
    for _ in range(2):
        for number in range(4):
            live = make_live_strategy(user=alice)
            make_paper_trade(user=alice, live_strategy=live, **closed(at(4) + timedelta(minutes=number)))
        counts.append([queries(path) for path in paths])
    assert counts[0] == counts[1]
    assert max(counts[0][1:]) <= 8


def test_slippage_is_what_entries_paid_above_their_signal(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    trade = make_paper_trade(user=alice, live_strategy=live, **closed(at(4)))
    signal = make_signal(live_strategy=live, price=Decimal(29))
    type(trade.opening_order).objects.filter(pk=trade.opening_order_id).update(signal=signal)
    make_order(user=alice)
    costs = of(alices_browser).costs
    assert costs.slippage == pytest.approx(10.0), "10 shares at 30, decided at 29"
    assert costs.slippage_bps == pytest.approx(10 / 290 * 1e4)


@pytest.mark.usefixtures("turtle")
def test_the_charts_have_columns_of_one_length(alices_browser: Client) -> None:
    equity, r, _ = (alices_browser.get(path).json() for path in CHARTS)
    assert equity["time"] == [(date(2010, 3, day) - date(1970, 1, 1)).days for day in (2, 4, 5)]
    assert equity["equity"] == [100_030.0, 100_000.0, 100_060.0]
    assert equity["drawdown"] == [0.0, pytest.approx(-30 / 100_030 * 100, abs=1e-4), 0.0]
    assert sum(r["counts"]) == 2
    assert len(r["edges"]) == len(r["counts"]) + 1


def test_excursions_are_read_from_the_bars_of_each_trade(alices_browser: Client, alice: User) -> None:
    at_day(DAYS[5])
    store_bars(AAPL=traded((30, 31, 29, 30), (30, 36, 27, 31), (31, 33, 30, 32), (32, 33, 31, 32)))
    won = {"entry_time": TIMES[0], **closed(TIMES[3], 33)}
    make_paper_trade(user=alice, **won)
    make_paper_trade(user=alice, **won, entry_price=Decimal(300))  # at another scale
    make_paper_trade(user=alice, symbol="NONE", **won)
    response = alices_browser.get(EXCURSIONS)
    found = response.context["excursions"]
    assert (found.adverse.tolist(), found.favourable.tolist()) == ([0.1], [0.2]), "27 and 36 around 30"
    assert (found.symbols, found.without) == (["AAPL"], 2)
    (wins, every) = response.context["rows"]
    assert (wins.label, wins.trades, every.trades) == ("Wins", 1, 1)
    assert wins.kept == pytest.approx(0.5), "+10% of +20%"
    chart = alices_browser.get(CHARTS[2]).json()
    assert (chart["x"]["values"], chart["y"]["values"], chart["tone"]) == ([0.1], [0.2], [1])


def test_excursions_without_bars_say_what_to_do(alices_browser: Client, alice: User) -> None:
    make_paper_trade(user=alice, symbol="NONE", **closed(at(4)))
    response = alices_browser.get(EXCURSIONS)
    assert (response.status_code, response.context["rows"]) == (200, [])
    assert alices_browser.get(CHARTS[2]).json()["tone"] == []


def test_the_api_has_the_figures_of_the_page(alices_browser: Client, turtle: LiveStrategy) -> None:
    body = alices_browser.get(API.format("paper")).json()
    assert body["figures"] | {"trades": 3, "pnl": 60.0, "expectancy": 20.0} == body["figures"]
    assert body["figures"]["win_rate"] == pytest.approx(200 / 3)
    assert (body["mode"], body["older_trades"], body["current_streak"]) == ("paper", False, 1)
    assert body["by_strategy"][1] | {"key": "Turtle", "live_strategy_id": turtle.pk} == body["by_strategy"][1]
    assert body["months"][0]["months"][2] == 60.0
    assert body["curve"]["time"] == ["2010-03-02", "2010-03-04", "2010-03-05"]
    fall = {"depth": 30.0, "peak": "2010-03-02", "bottom": "2010-03-04", "recovery": "2010-03-05"}
    assert body["max_drawdown"] == fall
    assert alices_browser.get(API.format("live")).json()["figures"]["trades"] == 0
    filtered = alices_browser.get(f"{API.format('paper')}?symbol=ibm&start_date=2010-03-04").json()
    assert (filtered["figures"]["trades"], filtered["figures"]["profit_factor"]) == (1, 0.0)
    json.dumps(body, allow_nan=False)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("symbol=no symbol", "symbol"),
        ("start_date=2010-13-01", "start_date"),
        ("start_date=2010-03-05&end_date=2010-03-04", "end_date"),
        ("strategy_id=x", "strategy_id"),
        ("strategy_id=99999999999999999999999", "strategy_id"),
    ],
)
@pytest.mark.parametrize("mode", Mode.values)
def test_the_api_refuses_bad_values(alices_browser: Client, mode: str, query: str, field: str) -> None:
    response = alices_browser.get(f"{API.format(mode)}?{query}")
    assert response.status_code == 422
    assert [problem["field"] for problem in response.json()["detail"]] == [field]


def test_reading_ends_with_the_newest(alice: User) -> None:
    for day in (2, 3, 4):
        make_paper_trade(user=alice, **closed(at(day)))
    read = read_closed_trades(alice, Mode.PAPER, TradeFilter(), 2)
    assert (len(read), read.is_cut) == (2, True)
    assert read.trades.exit.astype("M8[D]").astype(str).tolist() == ["2010-03-03", "2010-03-04"]
