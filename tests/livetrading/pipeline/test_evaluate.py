"""What a live strategy sees: the last row of a window of its warm-up, and every row that no check has seen."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from livetrading.models import LiveStrategy
from livetrading.pipeline.evaluate import Evaluation, SignalEvent, look
from strategies.kinds import kinds, make_kind
from tests.livetrading.made_bars import CLOSES, NOW, TIMES, TWO_BARS, bring, flat
from tradedesk.core.bars import to_datetime
from tradedesk.core.signals import Side
from tradedesk.marketdata.library import load_bars, load_many
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import bar_close

pytestmark = pytest.mark.django_db


def live(*symbols: str, **fields: Any) -> LiveStrategy:
    return LiveStrategy(**(TWO_BARS | {"symbols": list(symbols)} | fields))


def seen(found: Evaluation) -> list[tuple[str, Side, int, bool]]:
    """Symbol, side, number of the bar's session and whether it comes late."""
    return [(o.symbol, o.side, TIMES.index(o.bar_time), o.late) for o in found.events]


def test_a_buy_is_seen_with_all_that_is_known_of_it() -> None:
    bring(AAPL=flat(10, 10, 12))
    assert look(live("AAPL"), CLOSES[2]) == Evaluation(
        newest=TIMES[2],
        times={"AAPL": TIMES[2]},
        closes={"AAPL": 12.0},
        events=[
            SignalEvent(
                symbol="AAPL",
                side=Side.BUY,
                strength=1.0,
                bar_time=TIMES[2],
                close=12.0,
                explanation="Closed above 10.00, the highest high of the 2 bars before",
                late=False,
            )
        ],
        missing=[],
    )


def test_a_bar_counts_from_the_moment_it_closes() -> None:
    bring(AAPL=flat(10, 10, 12))
    assert look(live("AAPL"), CLOSES[2] - timedelta(microseconds=1)).newest == TIMES[1]
    assert look(live("AAPL"), CLOSES[2]).newest == TIMES[2]


def test_on_the_first_look_the_last_bar_alone_counts() -> None:
    bring(AAPL=flat(10, 10, 12, 9, 9.5))
    assert seen(look(live("AAPL"), CLOSES[4])) == []
    assert seen(look(live("AAPL"), CLOSES[3])) == [("AAPL", Side.SELL, 3, False)]


def test_every_bar_since_the_last_look_counts_and_all_but_the_newest_come_late() -> None:
    bring(AAPL=flat(10, 10, 12, 9, 13))
    watched = live("AAPL", last_bar_time=TIMES[1])
    assert seen(look(watched, CLOSES[4])) == [
        ("AAPL", Side.BUY, 2, True),
        ("AAPL", Side.SELL, 3, True),
        ("AAPL", Side.BUY, 4, False),
    ]
    watched.last_bar_time = TIMES[4]
    assert seen(look(watched, CLOSES[4])) == []


def test_the_bar_of_a_symbol_that_stood_still_comes_late_beside_a_newer_one() -> None:
    bring(AAPL=flat(10, 10, 12), IBM=flat(50, 50, 50, 60))
    watched = live("AAPL", "IBM", last_bar_time=TIMES[1])
    found = look(watched, CLOSES[3])
    assert found.newest == TIMES[3]
    assert seen(found) == [("AAPL", Side.BUY, 2, True), ("IBM", Side.BUY, 3, False)]
    assert found.closes == {"AAPL": 12.0, "IBM": 60.0}


def test_the_look_is_in_the_order_of_the_names_and_missing_ones_in_that_of_the_trader() -> None:
    bring(IBM=flat(50, 50, 60), AAPL=flat(10, 10, 12), LATER=flat(1, first=5))
    found = look(live("ZZZ", "IBM", "LATER", "AAPL"), CLOSES[2])
    assert [o.symbol for o in found.events] == ["AAPL", "IBM"]
    assert found.missing == ["ZZZ", "LATER"]


def test_without_any_bars_there_is_nothing_to_see() -> None:
    assert look(live("ZZZ"), CLOSES[2]) == Evaluation(newest=None, times={}, closes={}, events=[], missing=["ZZZ"])


@pytest.mark.parametrize("key", sorted(kinds()))
def test_what_is_seen_in_the_window_is_what_the_whole_history_says(key: str) -> None:
    """At sixty sessions of ten years, and for looks that have missed up to seven bars."""
    load_samples(NOW)
    symbols = ["AAPL", "IBM"]
    kind = make_kind(key, {})
    whole = kind.signals_by_symbol(load_many(symbols, "1Day"))
    bars = load_bars("AAPL", "1Day")
    closes = bar_close(bars.time, "1Day")
    random = np.random.default_rng(20120305)
    for row in random.integers(600, len(bars), 60):
        missed = int(random.integers(1, 8))
        fields = {"kind": key, "parameters": {}, "last_bar_time": to_datetime(bars.time[row - missed])}
        found = look(live(*symbols, **fields), to_datetime(closes[row]))
        assert [(o.symbol, o.bar_time, o.side, o.strength, o.late) for o in found.events] == [
            (symbol, to_datetime(bars.time[t]), signals.side[t], signals.strength[t], t != row)
            for symbol, signals in sorted(whole.items())
            for t in range(row - missed + 1, row + 1)
            if signals.side[t] != Side.HOLD
        ]
