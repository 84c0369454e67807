"""The sentence on the buy signals of a backtest, and the advice that follows from their counts."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from backtests.models import Backtest
from backtests.reports.buy_signals import OUTCOMES, BuySignals, describe_buy_signals
from backtests.services import create_backtest, run_backtest
from strategies.services import save_strategy
from tests.backtests.pages import text_of, url_of
from tests.backtests.runs import NOW, Clock
from tradedesk.accounts.models import User
from tradedesk.core.risk import Refusal
from tradedesk.marketdata.services import import_bars

DEAR = Path(__file__).parents[2] / "marketdata" / "cases" / "share_dearer_than_account.csv"


def described(**counts: int) -> BuySignals:
    found = describe_buy_signals(counts)
    assert found is not None
    return found


def test_the_sentence_has_every_outcome_that_occurred() -> None:
    counts = {"filled": 38, "weak_signal": 24, "held": 1350, "no_cash": 0}
    assert (
        described(**counts).sentence == "1,412 buy signals: 38 filled; 1,350 already held; 24 below the threshold"
    )
    assert described(filled=1).sentence == "1 buy signal: 1 filled"
    assert described(filled=0).sentence == "No buy signals"
    assert describe_buy_signals({}) is None


def test_every_outcome_of_the_engine_has_words() -> None:
    assert set(OUTCOMES) == {"filled", *(code.name.lower() for code in Refusal if code is not Refusal.NONE)}


@pytest.mark.parametrize(
    ("counts", "advised"),
    [
        ({"weak_signal": 5, "no_size": 2}, "threshold"),
        ({"weak_signal": 2, "no_size": 5}, "fractional"),
        ({"max_positions": 1}, "number of positions"),
        ({"no_bar": 1}, "later end"),
        ({"filled": 0}, "longer period"),
        ({"filled": 2, "weak_signal": 9}, "longer period"),  # opened, and not closed yet
    ],
)
def test_advice_follows_from_the_most_frequent_reason(counts: dict[str, int], advised: str) -> None:
    assert advised in described(**counts).advice


def test_a_share_that_costs_more_than_a_position(
    alice: User, samples: list[str], clock: Clock, alices_browser: Client
) -> None:
    with DEAR.open("rb") as file:
        import_bars(
            file,
            owner_id=None,
            symbol="DEAR",
            timeframe="1Day",
            provider="csv",
            adjusted=True,
            replace=False,
            now=NOW,
        )
    holder = save_strategy(
        alice, name="Holder", kind="buy_and_hold", parameters={}, symbols=["DEAR"], timeframe="1Day"
    )
    dates: dict[str, Any] = {"start_date": date(2023, 1, 3), "end_date": date(2023, 2, 27)}  # 38 of the 40 bars
    backtest = create_backtest(alice, holder, **dates, initial_capital=100_000, wall_now=NOW)
    run_backtest(backtest.pk, clock)
    backtest = Backtest.objects.get(pk=backtest.pk)
    assert {name: count for name, count in backtest.buy_signals.items() if count} == {"no_size": 38}
    page = text_of(alices_browser.get(url_of(backtest), {"tab": "trades"}))
    assert "38 buy signals, none filled: one share costs more than a position may be." in page
    assert "fractional shares" in page
    assert "longer period" not in page
    described = describe_buy_signals(backtest.buy_signals)
    assert described is not None
    assert "threshold" not in described.advice
