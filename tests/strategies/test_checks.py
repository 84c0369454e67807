"""Every kind passes the checks; faulty kinds fail, and the message names the bar."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from strategies.checks import Check, check_memory, check_no_look_ahead, check_warmup
from strategies.kinds import Kind, Param, kinds
from strategies.kinds.crossings import crossings
from strategies.kinds.strength import full_strength
from tests.strategies.kinds.series import SHAPES, STOCKS, bars_of, generated, kinds_within_search, stock
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Side, Signals

GUIDE = Path(__file__).parents[2] / "docs" / "strategies.md"

EXTREME = ("wild random walk", "shocked", "interrupted", "trend")

EVERY_KIND = pytest.mark.parametrize("kind", kinds().values(), ids=kinds().keys())
EVERY_KIND_WITH_PARAMETERS = pytest.mark.parametrize(
    "kind", [pytest.param(kind, id=key) for key, kind in kinds().items() if kind.params()]
)


@pytest.mark.each_value
@EVERY_KIND
@pytest.mark.parametrize("symbol", STOCKS)
def test_every_kind_passes_no_look_ahead_on_the_sample_stocks(kind: type[Kind], symbol: str) -> None:
    bars = stock(symbol)
    check = check_no_look_ahead(kind(), bars, seed=7)
    assert check == Check(True, len(bars), check.checked, check.message)
    assert check.checked >= 30


@pytest.mark.each_value
@EVERY_KIND
@pytest.mark.parametrize("symbol", STOCKS)
def test_the_warm_up_is_enough_on_the_sample_stocks(kind: type[Kind], symbol: str) -> None:
    bars, warmup = stock(symbol), kind().warmup()
    check = check_warmup(kind(), bars, seed=7)
    if len(bars) <= warmup:  # Facebook's first ten months
        assert check == Check(False, len(bars), 0, check.message)
    else:
        assert check.passed, check.message
        assert check.checked >= 20


@EVERY_KIND_WITH_PARAMETERS
@settings(deadline=None, max_examples=6)
@given(st.data(), st.sampled_from(sorted(SHAPES)), st.integers(0, 10**9), st.integers(10, 900))
def test_both_checks_pass_for_any_parameters_in_the_search_ranges_on_any_series(
    kind: type[Kind], data: st.DataObject, shape: str, seed: int, more: int
) -> None:
    made = data.draw(kinds_within_search(kind))
    bars = generated(shape, seed, made.memory() + more)
    # The tolerance of the warm-up is meant for prices that move as those of stocks do.
    for run in (check_no_look_ahead, check_memory if shape in EXTREME else check_warmup):
        check = run(made, bars, seed)
        assert check.passed, check.message


@EVERY_KIND_WITH_PARAMETERS
@settings(deadline=None, max_examples=2)
@given(st.data(), st.sampled_from(STOCKS), st.integers(0, 10**9))
def test_both_checks_pass_for_any_parameters_in_the_search_ranges_on_the_sample_stocks(
    kind: type[Kind], data: st.DataObject, symbol: str, seed: int
) -> None:
    made, bars = data.draw(kinds_within_search(kind)), stock(symbol)
    ahead = check_no_look_ahead(made, bars, seed)
    assert ahead.passed, ahead.message
    warmup = check_warmup(made, bars, seed)
    assert warmup.passed == (len(bars) > made.warmup()), warmup.message


class Faulty(Kind):
    """A kind whose rule each test defines; the warm-up is `bars`."""

    key = "faulty"
    name = "Faulty"
    description = "Must fail a check."

    bars = Param(2, low=0, high=400, step=1, search=(2, 4, 1), label="Bars")

    def warmup(self) -> int:
        return self.bars

    def signals(self, bars: Bars) -> Signals:
        side = self.side(bars.close)
        return Signals(side, full_strength(side))

    def side(self, close: Floats) -> NDArray[np.int8]:
        return np.zeros(len(close), np.int8)

    def explain(self, signals: Signals, t: int) -> str:
        return "No reason"


# falls by $1 per bar, with one jump up by $4 at bar 9
SPIKE = bars_of([20, 19, 18, 17, 16, 15, 14, 13, 12, 16, 10, 9, 8, 7])


def test_a_look_one_bar_ahead_fails() -> None:
    class LooksAhead(Faulty):
        def side(self, close: Floats) -> NDArray[np.int8]:
            side = np.zeros(len(close), np.int8)
            side[:-1] = close[1:] > close[:-1]
            return side

    check = check_no_look_ahead(LooksAhead(), SPIKE, seed=1)
    assert not check.passed
    assert check.message == (
        "Bar 8 (2000-01-11 05:00): the decision is HOLD when the history ends at bar 8 "
        "and BUY when later bars are included."
    )
    assert f"> {check.message}\n" in GUIDE.read_text()


def test_a_look_ahead_that_shows_on_one_bar_in_thousands_fails() -> None:
    class RarelyLooksAhead(Faulty):
        def side(self, close: Floats) -> NDArray[np.int8]:
            side = np.zeros(len(close), np.int8)
            side[np.flatnonzero(close[1:] > close[:-1] * 1.12)] = Side.BUY
            return side

    bars = stock("AAPL")
    rises = np.flatnonzero(bars.close[1:] > bars.close[:-1] * 1.12)
    assert 0 < len(rises) < 10
    for seed in range(5):
        check = check_no_look_ahead(RarelyLooksAhead(), bars, seed)
        assert not check.passed
        assert check.message.startswith(f"Bar {rises[0]} ({str(bars.time[rises[0]])[:10]} ")


@pytest.mark.parametrize("adjacent", [1499, 1501])
@pytest.mark.parametrize("run", [check_no_look_ahead, check_warmup])
def test_a_decision_changed_on_a_bar_next_to_a_signal_fails(
    run: Callable[[Kind, Bars, int], Check], adjacent: int
) -> None:
    class ChangesItsDecision(Faulty):
        def side(self, close: Floats) -> NDArray[np.int8]:
            side = np.where(close == 20.0, 1, 0).astype(np.int8)
            side[-1:] |= close[-1:] == 15.0
            return side

    close = np.full(3000, 10.0)
    close[1500], close[adjacent] = 20.0, 15.0
    for seed in range(3):
        check = run(ChangesItsDecision(), bars_of(close), seed)
        assert not check.passed
        assert check.message.startswith(f"Bar {adjacent} ")


def test_a_line_that_looks_ahead_fails_even_if_the_decisions_do_not() -> None:
    class Centred(Faulty):
        def signals(self, bars: Bars) -> Signals:
            line = talib.SMA(bars.close, 3)
            return Signals(np.zeros(len(bars), np.int8), np.zeros(len(bars)), {"Middle": np.append(line[1:], 0.0)})

    check = check_no_look_ahead(Centred(), SPIKE, seed=1)
    assert not check.passed
    assert "“Middle”" in check.message


def test_scaling_by_the_whole_series_fails() -> None:
    class Normalised(Faulty):
        def signals(self, bars: Bars) -> Signals:
            side = np.where(bars.close > bars.close.mean(), 1, -1).astype(np.int8)
            return Signals(side, np.abs(bars.close - bars.close.mean()) / bars.close.max())

    assert not check_no_look_ahead(Normalised(), stock("MSFT"), seed=1).passed


def test_a_line_that_is_only_sometimes_there_fails() -> None:
    class Sometimes(Faulty):
        def signals(self, bars: Bars) -> Signals:
            side = np.zeros(len(bars), np.int8)
            return Signals(side, full_strength(side), {"Late": bars.close} if len(bars) > 10 else {})

    check = check_no_look_ahead(Sometimes(), SPIKE, seed=1)
    assert not check.passed
    assert check.message.startswith("Bar 0 (2000-01-03 05:00): the line “Late” is nan ")
    assert " 20.0 " in check.message


class ShortEma(Faulty):
    """Crosses an EMA 20 with a warm-up of `bars`; 200 bars, 10 times the period, would be enough."""

    def side(self, close: Floats) -> NDArray[np.int8]:
        return crossings(close, talib.EMA(close, 20), close)


def test_a_warm_up_that_is_too_short_fails() -> None:
    bars = stock("AAPL")
    whole = ShortEma(bars=22).signals_by_symbol({"A": bars})["A"]
    check = check_warmup(ShortEma(bars=22), bars, seed=1)
    assert not check.passed
    row = int(check.message.split()[1])
    assert check.message.startswith(f"Bar {row} ({str(bars.time[row])[:10]} ")
    assert f": {Side(whole.side[row]).name} " in check.message
    assert check_warmup(ShortEma(bars=200), bars, seed=1).passed


def test_a_sum_over_the_whole_history_fails() -> None:
    class OnBalance(Faulty):
        def signals(self, bars: Bars) -> Signals:
            volume = talib.OBV(bars.close, bars.volume)
            side = crossings(volume, 0.0, 1e6)
            return Signals(side, full_strength(side), {"OBV": volume})

    check = check_warmup(OnBalance(bars=300), stock("IBM"), seed=1)
    assert not check.passed


def test_a_strength_that_depends_on_the_whole_history_fails() -> None:
    class Ranked(Faulty):
        def signals(self, bars: Bars) -> Signals:
            return Signals(np.ones(len(bars), np.int8), bars.close / np.maximum.accumulate(bars.close))

    check = check_warmup(Ranked(bars=2), SPIKE, seed=1)
    assert check.message == (
        "Bar 2 (2000-01-05 05:00): BUY with strength 0.9 on the full history, "
        "BUY with strength 0.95 on the last 2 bars. The warm-up is too short."
    )


def test_an_exception_fails_and_names_the_bar() -> None:
    class Breaks(Faulty):
        def side(self, close: Floats) -> NDArray[np.int8]:
            if len(close) < 3:
                raise IndexError("too short")
            return super().side(close)

    check = check_no_look_ahead(Breaks(), SPIKE, seed=1)
    assert check == Check(False, 14, 1, check.message)
    assert check.message.startswith("Bar 0 (2000-01-03 05:00): ")
    assert "IndexError('too short')" in check.message


def test_a_column_of_the_wrong_length_fails() -> None:
    class Short(Faulty):
        def signals(self, bars: Bars) -> Signals:
            side = np.zeros(len(bars), np.int8)
            return Signals(side, full_strength(side), {"Change": np.diff(bars.close)})

    check = check_no_look_ahead(Short(), SPIKE, seed=1)
    assert check.message == "Bar 13 (2000-01-16 05:00): the line “Change” has 13 rows for 14 bars."


@pytest.mark.parametrize(("side", "strength"), [(2, 1.0), (1, 1.5), (1, float("nan")), (0, -0.1)])
def test_an_invalid_side_or_strength_fails(side: int, strength: float) -> None:
    class Wild(Faulty):
        def signals(self, bars: Bars) -> Signals:
            return Signals(np.full(len(bars), side, np.int8), np.full(len(bars), strength))

    for run in (check_no_look_ahead, check_warmup):
        check = run(Wild(), SPIKE, 1)
        assert not check.passed
        assert check.message.startswith(f"Bar 1 (2000-01-04 05:00): side {side} with strength {strength:g}")


def test_too_few_bars_fail_without_a_test_point() -> None:
    assert check_warmup(Faulty(bars=14), SPIKE, 1) == Check(
        False, 14, 0, "The check needs more than 14 bars; there are 14."
    )
    assert check_no_look_ahead(Faulty(), SPIKE[:0], 1) == Check(
        False, 0, 0, "The check needs more than 0 bars; there are 0."
    )
    assert check_warmup(Faulty(bars=0), SPIKE, 1) == Check(
        False, 14, 0, "The warm-up must be at least 1 bar, not 0."
    )


def test_the_same_seed_gives_the_same_test_points() -> None:
    kind, bars = kinds()["donchian_breakout"](), stock("GOOG")
    assert check_warmup(kind, bars, 3) == check_warmup(kind, bars, 3)
    seen = {check_no_look_ahead(Faulty(), bars, seed).checked for seed in range(4)}
    assert all(40 <= checked <= 53 for checked in seen)
