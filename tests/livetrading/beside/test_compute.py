"""The comparison with the backtest of the same stretch, through the pipeline and the simulated broker."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from backtests.models import Backtest, BacktestTrade
from livetrading.beside import compute as compute_module
from livetrading.beside.again import decide_again
from livetrading.beside.compute import compute, compute_due, due
from livetrading.beside.figures import compare
from livetrading.models import BarDecision, Comparison, Fill, LiveStrategy, PaperTrade
from livetrading.pipeline.execute import execute_order
from livetrading.services.closing import close_strategy
from tests.livetrading.factories import make_backtest, make_candidate
from tests.livetrading.made_bars import CLOSES, DAYS, TIMES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, closes, deployed, open_account, replay, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import User
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.marketdata.services import load_samples

FIRST, LAST = date(2011, 3, 1), date(2011, 4, 29)
MOMENTS = closes(FIRST, LAST)
COSTS = Costs(commission_per_order=1.0, slippage_bps=5.0)
RULES = RiskRules(position_size_pct=0.3, max_positions=2, stop_loss_pct=0.03, take_profit_pct=0.06)


def wall() -> Any:
    return WALL


def deploy(user: User, **fields: Any) -> LiveStrategy:
    load_samples(WALL)
    open_account(user, 50_000.0, COSTS)
    values = {"parameters": {"fast": 3, "slow": 8}, "deployed_at": MOMENTS[0], "next_check_at": MOMENTS[0]}
    return deployed(
        user, "sma_crossover", ["AAPL", "GOOG", "IBM"], equity=50_000.0, **(values | RULES.as_dict() | fields)
    )


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    live = deploy(alice)
    replay(live, MOMENTS)
    live.refresh_from_db()
    return live


def compared(live: LiveStrategy) -> Comparison:
    assert compute(live.pk, MOMENTS[-1], wall)
    return Comparison.objects.get(live_strategy=live)


def test_a_desk_that_did_what_it_tested_has_identical_fills(live: LiveStrategy) -> None:
    row = compared(live)
    figures, columns = row.figures, row.columns
    trades = PaperTrade.objects.count()
    sold = PaperTrade.objects.exclude(exit_time=None).count()
    assert sold > 3
    assert figures["matches"]["identical"] == [trades + sold, 0.0]
    assert figures["fills"] == trades + sold == row.fills.count()
    assert (figures["difference"], figures["sizes"]) == (0.0, [0, 0.0])
    live.account.refresh_from_db()
    assert figures["live"] == pytest.approx(float(live.account.equity or 0) - 50_000.0, abs=0.01)
    assert len(columns["time"]) == len(columns["live"]) == len(MOMENTS) == figures["sessions"]
    assert columns["live"] == columns["backtest"]
    assert columns["live"][-1] == figures["live"]
    assert (figures["slippage"]["paid_bps"], row.error) == (pytest.approx(5.0, abs=0.01), "")
    assert {fill.side for fill in row.fills.all()} == {"buy", "sell"}
    assert not due(MOMENTS[-1], WALL).exists()
    # And every night says the same.
    for moment in MOMENTS:
        decisions, differences, _ = decide_again(live, moment.date())
        assert (decisions, differences) == (3, [])


# --- On hand-made bars: bought at 13 on the fourth day, sold at 11 on the seventh. ---

BARS = (10, 10, 12, 13, 12.5, 11.9, 11)


@pytest.fixture
def small(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0)
    store_bars(AAPL=flat(*BARS))
    return make_two_bar_strategy(alice, "AAPL", deployed_at=CLOSES[1], next_check_at=CLOSES[1])


def run(live: LiveStrategy, *days: int) -> Comparison:
    """Check at the closes of these days, and compare at the last one."""
    for day in days:
        step(live, CLOSES[day])
    assert compute(live.pk, CLOSES[days[-1]], wall)
    return Comparison.objects.get(live_strategy=live)


def table(row: Comparison) -> list[tuple[str, str, float | None, float | None, float]]:
    rows = row.fills.order_by("number")
    return [(each.match, each.side, each.price, each.tested_price, each.effect) for each in rows]


def test_a_purchase_that_came_too_late_is_missed_and_says_why(small: LiveStrategy) -> None:
    row = run(small, 1, 4, 5, 6)
    assert table(row) == [("missed", "buy", None, 13.0, 332.0), ("missed", "sell", None, 11.0, 0.0)]
    reasons = [each.reason for each in row.fills.order_by("number")]
    assert reasons == [BarDecision.objects.get(bar_time=TIMES[2]).sentence, "It was not bought"]
    assert (row.figures["live"], row.figures["backtest"], row.figures["difference"]) == (0.0, -332.0, 332.0)


def test_a_purchase_of_a_later_signal_is_late(small: LiveStrategy) -> None:
    row = run(small, 1, 3, 4, 5, 6)
    assert table(row) == [("late", "buy", 12.5, 13.0, 76.5), ("identical", "sell", 11.0, 11.0, 0.0)]
    assert row.fills.get(side="buy").reason.startswith("1 session late, ")


def test_a_sale_by_hand_is_extra(small: LiveStrategy) -> None:
    for day in (1, 2, 3):
        step(small, CLOSES[day])
    close_strategy(small, by=small.user, now=CLOSES[3], wall_now=WALL)
    for order in small.orders.filter(state="pending"):
        execute_order(order.pk, CLOSES[3], WALL)
    row = run(small, 4, 5, 6)
    assert [line[:4] for line in table(row)] == [("identical", "buy", 13.0, 13.0), ("extra", "sell", 12.5, 11.0)]
    assert row.fills.get(side="sell").reason == "Closed by hand"
    assert row.figures["difference"] == pytest.approx(166 * 1.5)


def test_a_price_of_the_broker_is_a_price_difference(small: LiveStrategy) -> None:
    for day in (1, 2, 3):
        step(small, CLOSES[day])
    Fill.objects.update(price=Decimal("13.10"))
    PaperTrade.objects.update(entry_price=Decimal("13.10"))
    row = run(small, 4)
    assert table(row) == [("price", "buy", 13.1, 13.0, pytest.approx(-16.6))]
    assert row.figures["slippage"]["paid"] == pytest.approx(16.6)


def test_an_account_of_another_equity_trades_another_size(small: LiveStrategy) -> None:
    LiveStrategy.objects.update(starting_equity=Decimal(50_000))
    row = run(small, 1, 2, 3, 4, 5, 6)
    assert [line[0] for line in table(row)] == ["identical", "identical"]
    assert row.figures["sizes"] == [1, (166 - 83) * -2.0]
    assert row.figures["difference"] == -166.0


def test_lots_of_an_earlier_version_are_left_out(small: LiveStrategy) -> None:
    for day in (1, 2, 3):
        step(small, CLOSES[day])
    LiveStrategy.objects.update(deployed_at=CLOSES[4])
    row = run(small, 4, 5, 6)
    assert (row.figures["handed_over"], row.figures["fills"]) == (1, 0)


def with_backtest(live: LiveStrategy, *returns: float) -> None:
    """Deployed from a backtest with a trade on each second day, on the later bars."""
    store_bars(AAPL=flat(*BARS, *([11.0] * 40)))
    backtest = make_backtest(user=live.user, start_date=DAYS[10], end_date=DAYS[46], symbols=["AAPL"])
    for number, value in enumerate(returns):
        BacktestTrade.objects.create(
            backtest=backtest,
            symbol="AAPL",
            quantity=10,
            entry_time=TIMES[11 + 2 * number],
            entry_price=11,
            exit_time=TIMES[12 + 2 * number],
            exit_price=11,
            exit_reason="signal",
            commission=0,
            pnl=0,
            return_fraction=value,
        )
    LiveStrategy.objects.update(backtest=backtest)


def test_the_trades_of_its_backtest_are_what_is_expected(
    small: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each tested trade made 1% of $2,000 at the close after its entry, and every second session there was one."""
    with_backtest(small, *[0.01] * 12)
    row = run(small, 1, 2, 3, 4, 5, 6)
    assert row.figures["tested_trades"] == 12
    assert row.figures["range"] == [40.0] * 5
    assert row.columns["p50"] == [0.0, 0.0, 0.0, 20.0, 20.0, 40.0]
    assert row.figures["place"] == ""  # one closed trade says nothing
    assert row.outside == ""
    monkeypatch.setattr("livetrading.beside.figures.LEAST_CLOSED", 1)
    LiveStrategy.objects.update(on_leaving="pause_below")
    for _ in range(2):
        assert compute(small.pk, CLOSES[6], wall)
    row.refresh_from_db()
    small.refresh_from_db()
    assert (row.figures["place"], row.outside, small.status) == ("below", "below", "paused")
    assert small.user.notifications.filter(event="left_range").count() == 1


def test_too_few_tested_trades_and_no_backtest_have_no_range(small: LiveStrategy) -> None:
    assert "without a backtest" in run(small, 1).figures["range_problem"]
    with_backtest(small, *[0.01] * 9)
    row = run(small, 2)
    assert row.figures["range"] is None
    assert "9 trades" in row.figures["range_problem"]
    assert row.columns["p5"] == []


def test_it_is_due_once_a_session_after_the_check_and_when_a_trade_closes(small: LiveStrategy) -> None:
    def is_due(day: int) -> bool:
        return due(CLOSES[day], WALL).exists()

    assert not is_due(1)  # no check has seen the session
    step(small, CLOSES[1])
    assert is_due(1)
    run(small, 1)
    assert not is_due(1)
    assert not is_due(2)
    step(small, CLOSES[2])
    assert is_due(2)
    run(small, 2)
    LiveStrategy.objects.update(realized_pnl=Decimal("1.5"))
    assert is_due(2)
    run(small, 2)
    LiveStrategy.objects.update(status="stopped")
    assert not is_due(4)


def test_a_claim_holds_others_off_until_its_worker_is_gone(small: LiveStrategy) -> None:
    step(small, CLOSES[1])
    Comparison.objects.create(live_strategy=small, claimed_at=WALL, attempts=1)
    soon, later = WALL + timedelta(seconds=59), WALL + timedelta(seconds=61)
    assert not due(CLOSES[1], soon).exists()
    assert not compute(small.pk, CLOSES[1], lambda: soon)
    assert due(CLOSES[1], later).exists()
    assert compute(small.pk, CLOSES[1], lambda: later)
    row = Comparison.objects.get()
    assert (row.claimed_at, row.attempts, row.error) == (None, 0, "")


def test_a_worker_that_dies_again_and_again_ends_in_a_sentence(small: LiveStrategy) -> None:
    step(small, CLOSES[1])
    Comparison.objects.create(live_strategy=small, attempts=compute_module.MAX_ATTEMPTS)
    assert compute(small.pk, CLOSES[1], wall)
    assert Comparison.objects.get().error == compute_module.TOO_MANY_ATTEMPTS
    assert not due(CLOSES[1], WALL).exists()


def test_a_computation_that_lost_its_claim_writes_nothing(
    small: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    step(small, CLOSES[1])

    def taken(*args: Any) -> Any:
        Comparison.objects.update(claimed_at=WALL + timedelta(seconds=90))
        return compare(*args)

    monkeypatch.setattr(compute_module, "compare", taken)
    assert compute(small.pk, CLOSES[1], wall)
    assert Comparison.objects.get().figures == {}


def test_trouble_is_one_strategys_own(small: LiveStrategy, monkeypatch: pytest.MonkeyPatch) -> None:
    other = make_two_bar_strategy(small.user, "AAPL", deployed_at=CLOSES[1])
    LiveStrategy.objects.update(last_check_at=CLOSES[1])
    LiveStrategy.objects.filter(pk=other.pk).update(symbols=["GONE"])
    assert compute_due(CLOSES[1], wall) == 2
    rows = {row.live_strategy_id: row for row in Comparison.objects.all()}
    assert "GONE" in rows[other.pk].error
    assert rows[small.pk].figures["sessions"] == 1
    assert compute_due(CLOSES[1], wall) == 0


def test_a_run_ends_in_time(small: LiveStrategy) -> None:
    make_two_bar_strategy(small.user, "AAPL", deployed_at=CLOSES[1])
    LiveStrategy.objects.update(last_check_at=CLOSES[1])
    passed = iter(WALL + timedelta(seconds=n) for n in range(100))
    assert compute_due(CLOSES[1], lambda: next(passed)) == 1
    assert compute_due(CLOSES[1], wall) == 1


def test_what_is_expected_stays_when_the_backtest_is_deleted(small: LiveStrategy) -> None:
    with_backtest(small, *[0.01] * 12)
    first = run(small, 1, 2).columns["p95"]
    Backtest.objects.all().delete()
    row = run(small, 3)
    assert row.columns["p95"][:2] == first
    assert row.figures["tested_trades"] == 12


def test_a_search_whose_inputs_changed_has_no_range(small: LiveStrategy) -> None:
    LiveStrategy.objects.update(candidate=make_candidate(user=small.user))
    row = run(small, 1)
    assert "cannot be repeated" in row.figures["range_problem"]
    assert row.error == ""
