"""The record of every check: one row for each symbol and new bar, with what became of it."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from livetrading.models import BarDecision, LiveStrategy, Order, SignalHistory
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.pipeline import evaluate as evaluate_module
from livetrading.pipeline.record import kept_for
from livetrading.services.decision_log import delete_old_decisions
from livetrading.templatetags.trading import decision_delay
from strategies.kinds import kinds
from tests.livetrading.made_bars import CLOSES, OPENS, TIMES, flat, store_bars
from tests.livetrading.pipeline.desk import check, open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata import feed_state
from tradedesk.marketdata.models import BarUpdate


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0)
    return make_two_bar_strategy(alice, "AAPL")


def rows(live: LiveStrategy) -> list[tuple[Any, ...]]:
    """The symbol, the number of the bar's session, the side and the code of each row, the oldest first."""
    found = live.decisions.order_by("symbol", "bar_time").values_list("symbol", "bar_time", "side", "code")
    return [(symbol, TIMES.index(time), side, code) for symbol, time, side, code in found]


def seen(live: LiveStrategy, symbol: str = "AAPL") -> tuple[str, str]:
    """The code and the side that the last check shows for a symbol."""
    live.refresh_from_db()
    return live.last_seen[symbol]["code"], live.last_seen[symbol].get("side", "")


def test_a_row_has_what_the_check_saw_and_decided(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    check(live, CLOSES[2])
    row = BarDecision.objects.get()
    assert (row.live_strategy, row.symbol, row.bar_time, row.close) == (live, "AAPL", TIMES[2], 12)
    assert row.indicators == {"Highest 2": 10.0, "Lowest 2": 10.0}
    assert (row.side, row.strength, row.code) == ("buy", 1.0, Code.ORDERED)
    assert row.explanation == "Closed above 10.00, the highest high of the previous 2 bars"
    assert row.sentence == "Order to buy 166 AAPL."
    assert (row.signal, row.checked_at) == (SignalHistory.objects.get(), CLOSES[2])
    assert row.kept_until == CLOSES[2] + timedelta(days=400)


def test_every_bar_has_a_row_from_the_hold_to_the_sale(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12, 13, 12.5, 11.9, 11))
    for now in CLOSES[1:7]:
        step(live, now)
    assert rows(live) == [
        ("AAPL", 1, "hold", Code.HOLD),
        ("AAPL", 2, "buy", Code.ORDERED),
        ("AAPL", 3, "buy", Code.HELD),
        ("AAPL", 4, "hold", Code.HOLD),
        ("AAPL", 5, "sell", Code.ORDERED),
        ("AAPL", 6, "sell", Code.NOTHING_TO_SELL),
    ]
    assert "Warming up" in BarDecision.objects.earliest("pk").explanation


def test_several_new_bars_have_a_row_each_and_only_the_newest_signal_counts(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12, 9, 13, 12.5))
    check(live, CLOSES[1])
    assert check(live, CLOSES[5]) == []
    assert rows(live)[1:] == [
        ("AAPL", 2, "buy", Code.SUPERSEDED),
        ("AAPL", 3, "sell", Code.SUPERSEDED),
        ("AAPL", 4, "buy", Code.LATE),
        ("AAPL", 5, "hold", Code.HOLD),
    ]


def test_after_a_long_time_the_last_bars_are_recorded(live: LiveStrategy, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (evaluate_module, __import__("livetrading.pipeline.record", fromlist=["record"])):
        monkeypatch.setattr(module, "RECORDED", 3)
    store_bars(AAPL=flat(10, 10, *[12 + n for n in range(20)]))
    check(live, CLOSES[1])
    check(live, CLOSES[20])
    assert [row[1:3] for row in rows(live)[1:]] == [(18, "buy"), (19, "buy"), (20, "buy")]


def test_a_repeated_check_writes_nothing_new(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    check(live, CLOSES[2])
    before = list(BarDecision.objects.values())
    check(live, CLOSES[2] + timedelta(minutes=5))
    # Not even when the progress was lost, as after a restored backup.
    LiveStrategy.objects.update(last_bar_time=None, evaluated_bars={})
    Order.objects.update(state="rejected")
    check(live, CLOSES[2] + timedelta(minutes=5))
    assert list(BarDecision.objects.values()) == before


def test_the_log_is_written_in_the_transaction_of_the_check(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_bars(AAPL=flat(10, 10, 12))

    def crash(*_: object) -> None:
        assert BarDecision.objects.count() == 1
        raise SystemExit

    monkeypatch.setattr("livetrading.pipeline.checks._finish", crash)
    with pytest.raises(SystemExit):
        check(live, CLOSES[2])
    assert not BarDecision.objects.exists()


@pytest.mark.parametrize("lines", [None, {"Broken": [float("nan")]}, {"A\0" + "x" * 99: [1.23456789] * 9}])
def test_a_kind_without_an_explanation_has_a_plain_sentence_and_trades(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch, lines: Any
) -> None:
    """A trader's own kind may raise while it explains, and its lines may have any name and value."""
    kind = kinds()["donchian_breakout"]
    signals = kind.signals

    def explain(*_: object) -> str:
        raise ZeroDivisionError

    def other_lines(self: Any, bars: Any) -> Any:
        found = signals(self, bars)
        return type(found)(found.side, found.strength, found.lines if lines is None else lines)

    monkeypatch.setattr(kind, "explain", explain)
    monkeypatch.setattr(kind, "signals", other_lines)
    store_bars(AAPL=flat(10, 10, 12, 12))
    assert len(check(live, CLOSES[2])) == 1
    check(live, CLOSES[3])
    buy, hold = BarDecision.objects.order_by("bar_time")
    figures = {"Highest 2": 10.0, "Lowest 2": 10.0} if lines is None else {}
    figures = {"A" + "x" * 39: 1.2346} if lines and "Broken" not in lines else figures
    assert buy.indicators == figures
    assert buy.explanation.startswith("BUY signal")
    assert hold.explanation.startswith("No signal")


# --- What a check without a new bar saw ------------------------------------------------------------------------


def test_the_last_check_says_what_it_saw_of_each_symbol(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", "IBM", "ZZZ")
    store_bars(AAPL=flat(10, 10, 12), IBM=flat(50, 50, 50))
    check(live, CLOSES[2])
    assert seen(live) == (Code.ORDERED, "buy")
    assert seen(live, "IBM") == (Code.HOLD, "hold")
    assert seen(live, "ZZZ") == (Code.NO_BARS, "")
    check(live, CLOSES[2] + timedelta(minutes=5))
    assert [seen(live, symbol)[0] for symbol in live.symbols] == [Code.MARKET_CLOSED] * 2 + [Code.NO_BARS]
    assert live.last_seen["AAPL"] | {"sentence": ""} == {
        "bar_time": TIMES[2].isoformat(),
        "close": 12.0,
        "side": "",
        "code": Code.MARKET_CLOSED,
        "sentence": "",
    }
    check(live, OPENS[3] + timedelta(minutes=5))
    assert seen(live) == (Code.NO_NEW_BAR, "")
    assert BarDecision.objects.count() == 2


def test_the_close_of_a_session_is_not_stale_until_the_open_after_it_is_past(live: LiveStrategy) -> None:
    """The bar of session 3 does not arrive."""
    store_bars(AAPL=flat(10, 10, 10))
    check(live, CLOSES[2])
    grace = timedelta(minutes=30)
    for now, code in ((CLOSES[3], Code.MARKET_CLOSED), (OPENS[4] + grace, Code.NO_NEW_BAR)):
        check(live, now)
        assert seen(live)[0] == code
    check(live, OPENS[4] + grace + timedelta(microseconds=1))
    assert seen(live)[0] == Code.STALE_DATA


def test_on_stale_data_an_entry_is_refused_and_an_exit_goes_out(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", "IBM")
    store_bars(AAPL=flat(10, 10, 12, 12), IBM=flat(50, 50, 50, 50))
    for now in CLOSES[2:4]:
        step(live, now)
    # The bars of session 4 arrive two sessions later, without those of session 5.
    store_bars(AAPL=flat(10, 10, 12, 12, 11.5), IBM=flat(50, 50, 50, 50, 60))
    (order_id,) = check(live, OPENS[6] + timedelta(hours=1))
    assert Order.objects.get(pk=order_id).purpose == "exit"
    assert rows(live)[-1] == ("IBM", 4, "buy", Code.STALE_DATA)
    assert seen(live, "IBM") == (Code.STALE_DATA, "buy")


# --- Retention -------------------------------------------------------------------------------------------------


def test_rows_are_deleted_when_they_were_kept_long_enough(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_bars(AAPL=flat(10, 10, 12, 13, 14))
    for now in CLOSES[2:5]:
        check(live, now)
    signals = SignalHistory.objects.count()
    late = CLOSES[3] + timedelta(days=400, seconds=1)
    monkeypatch.setattr("livetrading.services.decision_log.ROWS_OF_A_RUN", 1)
    assert [delete_old_decisions(late) for _ in range(3)] == [1, 1, 0]
    assert [row[1] for row in rows(live)] == [4]
    assert SignalHistory.objects.count() == signals


@pytest.mark.parametrize(("timeframe", "days"), [("1Min", 20), ("15Min", 300), ("1Hour", 400), ("1Week", 400)])
def test_short_bars_are_kept_for_a_shorter_time(timeframe: str, days: int) -> None:
    assert kept_for(timeframe) == timedelta(days=days)


def test_while_the_feed_fails_an_entry_is_refused_and_an_exit_goes_out(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MARKET = "alpaca"
    monkeypatch.setattr(feed_state, "ALPACA", "csv")  # what store_bars stores
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", "IBM")
    store_bars(AAPL=flat(10, 10, 12, 12), IBM=flat(50, 50, 50, 50))
    for now in CLOSES[2:4]:
        step(live, now)
    store_bars(AAPL=flat(10, 10, 12, 12, 11.5), IBM=flat(50, 50, 50, 50, 60))
    BarUpdate.objects.create(timeframe="1Day", due_at=CLOSES[4], failures=2, error="Alpaca did not answer.")
    (order_id,) = check(live, CLOSES[4])
    assert Order.objects.get(pk=order_id).purpose == "exit"
    assert rows(live)[-1] == ("IBM", 4, "buy", Code.STALE_DATA)
    check(live, CLOSES[4] + timedelta(minutes=1))
    assert seen(live, "IBM") == (Code.STALE_DATA, "")


def test_the_log_shows_how_long_after_the_close_a_check_decided() -> None:
    decision = BarDecision(bar_time=TIMES[2], checked_at=CLOSES[2])
    shown = []
    for delay in (timedelta(0), timedelta(seconds=2.94), timedelta(minutes=16), timedelta(hours=17.6)):
        decision.checked_at = CLOSES[2] + delay
        shown.append(decision_delay(decision, "1Day"))
    assert shown == ["", "2.9 s after its close", "16 min after its close", "18 h after its close"]
