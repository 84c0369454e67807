"""Analytics across strategies and accounts, and the simulation of blocked signals."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from livetrading.models import DailySummary, LiveStrategy, PaperAccount, StrategySession
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.services.reset import reset_paper
from livetrading.summaries import analytics, blocked
from livetrading.summaries.analytics import exposure_months, read_sessions
from tests.livetrading.factories import (
    NOW,
    WALL,
    account_of,
    at_day,
    closed,
    make_live_strategy,
    make_paper_trade,
    make_signal,
)
from tests.livetrading.made_bars import CLOSES, DAYS, TIMES, flat, store_bars, traded
from tradedesk.accounts.models import Mode, User
from tradedesk.core.fills import ExitReason

PAGE, BLOCKED = "/analytics", "/analytics/blocked-signals"
CHARTS = [f"{PAGE}/equity.json", f"{PAGE}/exposure.json"]


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    at_day(DAYS[40])


def summary(user: User, day: date, today: float, exposure: float | None = 0.0, **fields: Any) -> DailySummary:
    amounts = {"today": Decimal(str(today)), "realized": Decimal(0), "open_pnl": Decimal(0)}
    counts = dict.fromkeys(("positions", "fills", "refusals", "halts"), 0)
    held = None if exposure is None else Decimal(str(exposure))
    return DailySummary.objects.create(
        account=account_of(user), session=day, exposure=held, **amounts, **counts, **fields
    )


def traded_strategy(user: User, name: str, realized: float) -> LiveStrategy:
    amount = Decimal(str(realized))
    live = make_live_strategy(user=user, name=name, last_pnl=amount + 5)
    make_paper_trade(user=user, live_strategy=live, **closed(CLOSES[1]) | {"pnl": amount})
    return live


def test_contributions_are_parts_of_the_whole(alices_browser: Client, alice: User) -> None:
    for name, realized in (("Turtle", 300), ("Momentum", -100)):
        traded_strategy(alice, name, realized)
    make_live_strategy(user=alice, name="New")
    make_paper_trade(user=alice, **closed(CLOSES[1]) | {"pnl": Decimal(200)})
    found = alices_browser.get(PAGE).context["contributions"]
    assert [(row.live and row.live.name, row.realized, row.share, row.total) for row in found.rows] == [
        ("Turtle", 300, 0.75, 305),
        (None, 200, 0.5, None),
        ("Momentum", -100, -0.25, -95),
    ]
    assert (found.realized, found.left_out) == (400, 0)
    assert [(line.realized, line.strategies) for line in found.accounts] == [(400, 3)]


def test_costs_are_those_of_each_strategy(alices_browser: Client, alice: User) -> None:
    dear, cheap = (make_live_strategy(user=alice, name=name) for name in ("Dear", "Cheap"))
    for live, commission in ((cheap, 1), (dear, 5), (dear, 5)):
        trade = make_paper_trade(
            user=alice, live_strategy=live, commission=Decimal(commission), **closed(CLOSES[1], 33)
        )
        signal = make_signal(live_strategy=live, price=Decimal(29))
        type(trade.opening_order).objects.filter(pk=trade.opening_order_id).update(signal=signal)
    context = alices_browser.get(PAGE).context
    assert [
        (line.strategy[1], line.costs.trades, line.costs.commission, line.costs.gross, line.costs.slippage)
        for line in context["costs"]
    ] == [("Dear", 2, 10.0, 70.0, 20.0), ("Cheap", 1, 1.0, 31.0, 10.0)]
    assert (context["whole_costs"].commission, context["whole_costs"].slippage) == (11.0, 30.0)


def test_of_many_strategies_the_largest_are_shown(
    alices_browser: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, realized in (("A", 10), ("B", -30), ("C", 20)):
        traded_strategy(alice, name, realized)
    monkeypatch.setattr(analytics, "CONTRIBUTIONS", 2)
    found = alices_browser.get(PAGE).context["contributions"]
    assert [row.live.name for row in found.rows] == ["C", "B"]
    assert (found.realized, found.left_out) == (0, 1)


def test_an_archived_epoch_does_not_count(alice: User) -> None:
    traded_strategy(alice, "Turtle", 100)
    summary(alice, DAYS[0], -90_000)
    reset_paper(alice, NOW, WALL, by=alice)
    summary(alice, DAYS[1], 500)
    assert read_sessions(alice, Mode.PAPER).today.tolist() == [500]
    found = analytics.read_contributions(alice, Mode.PAPER)
    assert (found.rows, len(found.accounts)) == ([], 1)


def test_sessions_add_up_from_the_starting_cash(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    traded_strategy(alice, "Turtle", 100)
    summary(alice, DAYS[0], 1_000, 50_500)
    summary(alice, DAYS[1], -2_000, None)
    summary(alice, DAYS[3], 500, 99_500)
    found = read_sessions(alice, Mode.PAPER)
    assert found.day.astype(str).tolist() == [str(day) for day in DAYS[:4]], "the third has no summary"
    assert found.today.tolist() == [1_000, -2_000, 0, 500]
    assert found.equity.tolist() == [101_000, 99_000, 99_000, 99_500]
    np.testing.assert_array_equal(found.exposure_fraction, [0.5, np.nan, 0.0, 1.0])
    (march,) = exposure_months(found)
    assert (march.month, march.mean, march.highest, march.pnl) == ("2012-03", 0.5, 1.0, -500)
    figures = analytics.session_figures(found)
    assert figures is not None
    assert (figures.sessions, figures.pnl, figures.best, figures.worst) == (4, -500, 1_000, -2_000)
    assert figures.drawdown == pytest.approx(2_000 / 101_000)
    assert (figures.volatility, figures.sharpe) == (None, None), "too short for figures a year"
    # Of older sessions the P&L counts all the same.
    monkeypatch.setattr(analytics, "SESSIONS", 2)
    newest = read_sessions(alice, Mode.PAPER)
    assert newest.equity.tolist() == [99_000, 99_000, 99_500]


def test_strategies_that_move_together_are_correlated(alices_browser: Client, alice: User) -> None:
    one, same, other = (traded_strategy(alice, name, 100) for name in ("A", "B", "C"))
    for number, day in enumerate(DAYS[:24]):
        move = float(number % 5)
        summary(alice, day, move)
        for live, today in ((one, move), (same, 2 * move), (other, -move)):
            if live is not other or number >= 10:
                amount = Decimal(str(today))
                StrategySession.objects.create(live_strategy=live, session=day, today=amount, exposure=0)
    table = alices_browser.get(PAGE).context["correlations"]
    assert [live.name for live in table.strategies] == ["A", "B", "C"]
    assert table.rows[0][1].value == pytest.approx(1.0, abs=1e-6)
    assert (table.rows[0][2].value, table.rows[0][2].sessions) == (None, 14)
    assert table.mean == pytest.approx(1.0, abs=1e-6)


def test_a_session_without_a_position_has_a_return_of_zero(alice: User) -> None:
    live = traded_strategy(alice, "A", 100)
    for day in DAYS[:5]:
        summary(alice, day, 10)
    for day in (DAYS[1], DAYS[3]):
        StrategySession.objects.create(live_strategy=live, session=day, today=10, exposure=0)
    table = analytics.read_correlations(alice, Mode.PAPER, read_sessions(alice, Mode.PAPER))
    assert table.rows[0][0].sessions == 3, "from the first to the last position"


def test_the_charts_have_columns_of_one_length(alices_browser: Client, alice: User) -> None:
    traded_strategy(alice, "Turtle", 100)
    summary(alice, DAYS[0], 1_000, 50_500)
    summary(alice, DAYS[1], -2_000, None)
    equity, exposure = (alices_browser.get(path).json() for path in CHARTS)
    assert equity["equity"] == [101_000, 99_000]
    assert equity["drawdown"] == [0, pytest.approx(-2_000 / 101_000 * 100, abs=1e-4)]
    (line,) = exposure["lines"]
    assert (line["time"], line["values"]) == (equity["time"], [50.0, None])


def refused(live: LiveStrategy, row: int = 1, **fields: Any) -> Any:
    values = {"code": Code.MAX_POSITIONS, "bar_time": TIMES[row], "price": Decimal(10), "created_at": CLOSES[row]}
    return make_signal(live_strategy=live, **values | fields)


def test_a_blocked_signal_is_followed_to_its_exit(alices_browser: Client, alice: User) -> None:
    PaperAccount.objects.filter(broker_account=account_of(alice)).update(slippage_bps=100)
    live = make_live_strategy(user=alice, name="Turtle", stop_loss_pct=0.1, take_profit_pct=None)
    bars = flat(10, 10, 10, 11)
    store_bars(AAPL=traded(*[(10, 10, 10, 10)] * 3, (9, 9, 8, 9)), IBM=bars, GOOG=bars)
    stopped = refused(live)
    sold = refused(live, symbol="IBM", code=Code.HALTED)
    make_signal(live_strategy=live, symbol="IBM", side="sell", bar_time=TIMES[2], code=Code.NOTHING_TO_SELL)
    held = refused(live, symbol="GOOG", code=Code.HALTED)
    response = alices_browser.get(BLOCKED)
    found = {each.signal.pk: each for each in response.context["blocked"].signals}
    # Bought at 10.10 with the stop at 9.09; the third bar after it opens at 9, sold at 8.91.
    followed = found[stopped.pk].followed
    assert (followed.entry_price, followed.exit_price, followed.reason) == (10.1, 8.91, ExitReason.STOP_LOSS)
    assert found[stopped.pk].moves == (0.0, None, None)
    followed = found[sold.pk].followed
    assert (followed.exit_price, followed.reason) == (10.89, ExitReason.SIGNAL), "at the open after the SELL"
    assert found[held.pk].is_open
    assert found[held.pk].followed.exit_price == 11.0
    halted, limit = response.context["blocked"].groups
    assert (halted.label, halted.signals, halted.followed, halted.open) == ("Trading halted", 2, 2, 1)
    assert halted.win_rate == 1.0
    assert halted.mean == pytest.approx((10.89 / 10.1 + 11 / 10.1) / 2 - 1)
    assert (limit.label, limit.win_rate) == ("Position limit", 0.0)
    assert limit.mean_r == pytest.approx((8.91 - 10.1) / 1.01)
    assert response.context["blocked"].every.signals == 3


def test_what_was_ordered_or_sold_is_no_blocked_signal(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    store_bars(AAPL=flat(10, 10, 10))
    refused(live, code=Code.ORDERED)
    refused(live, side="sell")
    refused(live, row=0, code=Code.HELD)
    assert alices_browser.get(BLOCKED).context["blocked"].signals == []


def test_signals_without_their_bar_or_at_another_scale_are_counted(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    store_bars(AAPL=flat(10, 10, 10))
    refused(live, symbol="NONE")
    refused(live, row=30)
    refused(live, price=Decimal(40))
    response = alices_browser.get(BLOCKED)
    assert (response.context["blocked"].without, response.context["blocked"].every) == (3, None)
    assert 'href="/dashboard/data"' in response.content.decode()


def test_the_newest_blocked_signals_are_simulated(
    alices_browser: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = make_live_strategy(user=alice)
    store_bars(AAPL=flat(*[10] * 6))
    newest = [refused(live, row) for row in range(3)][1:]
    make_signal(live_strategy=live, side="sell", bar_time=TIMES[3])
    make_signal(live_strategy=live, side="sell", bar_time=TIMES[2])
    monkeypatch.setattr(blocked, "NEWEST", 2)
    monkeypatch.setattr(blocked, "SELLS", 1)
    found = alices_browser.get(BLOCKED).context["blocked"]
    assert found.is_cut
    assert [each.signal.pk for each in found.signals] == [signal.pk for signal in reversed(newest)]
    # The sells before the third bar are not known any more, so of the older signal only the moves are said.
    assert [each.followed is not None for each in found.signals] == [True, False]


def test_nobody_else_sees_them(
    alices_browser: Client, bobs_browser: Client, charlies_browser: Client, alice: User
) -> None:
    live = traded_strategy(alice, "Alice only", 100)
    summary(alice, DAYS[0], 10)
    store_bars(AAPL=flat(10, 10, 10))
    refused(live)
    for path in (PAGE, BLOCKED):
        assert "Alice only" in alices_browser.get(path).content.decode()
        assert "Alice only" not in bobs_browser.get(path).content.decode()
    for path in (PAGE, BLOCKED, *CHARTS):
        assert charlies_browser.get(path).status_code == 302
        assert bobs_browser.get(f"{path}?mode=demo").status_code == 400
    assert bobs_browser.get(CHARTS[0]).json()["time"] == []


@pytest.mark.parametrize("mode", Mode.values)
def test_empty_pages_say_what_to_do_next(bobs_browser: Client, mode: str) -> None:
    nothing, unblocked = (bobs_browser.get(f"{path}?mode={mode}").content.decode() for path in (PAGE, BLOCKED))
    assert (
        f'href="{reverse("strategies:list")}"' if mode == Mode.PAPER else 'href="/dashboard/live-trading"'
    ) in nothing
    assert 'class="empty"' in nothing
    assert 'href="/signals"' in unblocked


def test_queries_do_not_grow_with_rows(alices_browser: Client, alice: User) -> None:
    store_bars(AAPL=flat(*[10] * 40))
    counts = []
    for first in (0, 10):
        for number in range(4):
            live = traded_strategy(alice, f"S{first}{number}", 10 + number)
            summary(alice, DAYS[first + number], 10)
            StrategySession.objects.create(live_strategy=live, session=DAYS[first], today=1, exposure=0)
            refused(live, row=first + number)
        found = []
        for path in (PAGE, BLOCKED, *CHARTS):
            with CaptureQueriesContext(connection) as captured:
                assert alices_browser.get(path).status_code == 200
            found.append(len(captured))
        counts.append(found)
    assert counts[0] == counts[1]
