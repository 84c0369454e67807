"""Evaluation of a live strategy: the last row of its warm-up window, and every row that no check has evaluated."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from livetrading.models import LiveStrategy
from livetrading.pipeline import evaluate as evaluate_module
from livetrading.pipeline.evaluate import Evaluation, SignalEvent
from strategies.kinds import kinds, make_kind
from tests.livetrading.made_bars import CLOSES, NOW, TIMES, TWO_BARS, flat, store_bars
from tradedesk.core.bars import to_datetime
from tradedesk.core.signals import Side
from tradedesk.marketdata.library import load_bars, load_many
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import bar_close

pytestmark = pytest.mark.django_db


def live(*symbols: str, **fields: Any) -> LiveStrategy:
    return LiveStrategy(**(TWO_BARS | {"symbols": list(symbols)} | fields))


def evaluate(strategy: LiveStrategy, now: datetime) -> Evaluation:
    """The evaluation of a set of this strategy alone."""
    strategy.pk = 1
    evaluations, errors = evaluate_module.evaluate([strategy], now)
    assert errors == {}
    return evaluations[1]


def events_of(evaluation: Evaluation) -> list[tuple[str, Side, int, bool]]:
    """Symbol, side, number of the bar's session, and whether the signal is late."""
    return [(e.symbol, e.side, TIMES.index(e.bar_time), e.late) for e in evaluation.events]


def test_a_buy_event_has_all_its_values() -> None:
    store_bars(AAPL=flat(10, 10, 12))
    found = evaluate(live("AAPL"), CLOSES[2])
    assert len(found.history["AAPL"]) == 3
    assert len(found.bars[0].seen) == 16  # a hash of the bars; tests/livetrading/beside compares them
    assert replace(found, history={}, bars=[replace(found.bars[0], seen="")]) == Evaluation(
        newest=TIMES[2],
        times={"AAPL": TIMES[2]},
        closes={"AAPL": 12.0},
        bars=[
            SignalEvent(
                symbol="AAPL",
                side=Side.BUY,
                strength=1.0,
                bar_time=TIMES[2],
                close=12.0,
                explanation="Closed above 10.00, the highest high of the previous 2 bars",
                late=False,
                closed_at=CLOSES[2],
                indicators={"Highest 2": 10.0, "Lowest 2": 10.0},
            )
        ],
        missing=[],
    )


def test_a_bar_is_evaluated_from_its_close_on() -> None:
    store_bars(AAPL=flat(10, 10, 12))
    assert evaluate(live("AAPL"), CLOSES[2] - timedelta(microseconds=1)).newest == TIMES[1]
    assert evaluate(live("AAPL"), CLOSES[2]).newest == TIMES[2]


def test_the_first_check_evaluates_the_last_bar_only() -> None:
    store_bars(AAPL=flat(10, 10, 12, 9, 9.5))
    assert events_of(evaluate(live("AAPL"), CLOSES[4])) == []
    assert events_of(evaluate(live("AAPL"), CLOSES[3])) == [("AAPL", Side.SELL, 3, False)]


def test_every_bar_since_the_last_check_is_evaluated_and_all_but_the_newest_are_late() -> None:
    store_bars(AAPL=flat(10, 10, 12, 9, 13))
    strategy = live("AAPL", last_bar_time=TIMES[1])
    assert events_of(evaluate(strategy, CLOSES[4])) == [
        ("AAPL", Side.BUY, 2, True),
        ("AAPL", Side.SELL, 3, True),
        ("AAPL", Side.BUY, 4, False),
    ]
    strategy.last_bar_time = TIMES[4]
    assert events_of(evaluate(strategy, CLOSES[4])) == []


def test_an_older_bar_of_one_symbol_is_late_when_another_symbol_has_a_newer_bar() -> None:
    store_bars(AAPL=flat(10, 10, 12), IBM=flat(50, 50, 50, 60))
    strategy = live("AAPL", "IBM", last_bar_time=TIMES[1])
    evaluation = evaluate(strategy, CLOSES[3])
    assert evaluation.newest == TIMES[3]
    assert events_of(evaluation) == [("AAPL", Side.BUY, 2, True), ("IBM", Side.BUY, 3, False)]
    assert evaluation.closes == {"AAPL": 12.0, "IBM": 60.0}


def test_events_are_sorted_by_symbol_and_missing_symbols_keep_the_traders_order() -> None:
    store_bars(IBM=flat(50, 50, 60), AAPL=flat(10, 10, 12), LATER=flat(1, first=5))
    evaluation = evaluate(live("ZZZ", "IBM", "LATER", "AAPL"), CLOSES[2])
    assert [e.symbol for e in evaluation.events] == ["AAPL", "IBM"]
    assert evaluation.missing == ["ZZZ", "LATER"]


def test_an_evaluation_without_bars_is_empty() -> None:
    assert evaluate(live("ZZZ"), CLOSES[2]) == Evaluation(
        newest=None, times={}, closes={}, bars=[], missing=["ZZZ"]
    )


@pytest.mark.parametrize("key", sorted(kinds()))
def test_the_window_gives_the_signals_of_the_whole_history(key: str) -> None:
    """At sixty sessions of ten years, and after up to seven bars without a check."""
    load_samples(NOW)
    symbols = ["AAPL", "IBM"]
    kind = make_kind(key, {})
    whole = kind.signals_by_symbol(load_many(None, symbols, "1Day"))
    bars = load_bars(None, "AAPL", "1Day")
    closes = bar_close(bars.time, "1Day")
    random = np.random.default_rng(20120305)
    for row in random.integers(600, len(bars), 60):
        missed = int(random.integers(1, 8))
        fields = {"kind": key, "parameters": {}, "last_bar_time": to_datetime(bars.time[row - missed])}
        evaluation = evaluate(live(*symbols, **fields), to_datetime(closes[row]))
        assert [(e.symbol, e.bar_time, e.side, e.strength, e.late) for e in evaluation.events] == [
            (symbol, to_datetime(bars.time[t]), signals.side[t], signals.strength[t], t != row)
            for symbol, signals in sorted(whole.items())
            for t in range(row - missed + 1, row + 1)
            if signals.side[t] != Side.HOLD
        ]
