"""The contract of a kind: declared parameters, their validation, and normalized signals."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds import InvalidParameters, Kind, Param, named_parameters, parameter_texts
from strategies.kinds.rsi_mean_reversion import RsiMeanReversion
from strategies.kinds.sma_crossover import SmaCrossover
from tests.strategies.kinds.series import UNTIMED, bars_of
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side, Signals


class Always(Kind):
    """BUY on every bar, with a strength to be rounded and a warm-up of three bars."""

    key = "always"
    name = "Always"
    description = "Buys on every bar."

    bars = Param(3, low=1, high=50, step=1, search=(1, 5, 1), label="Bars")
    level = Param(0.5, low=0.1, high=1.0, step=0.1, search=(0.1, 0.9, 0.1), label="Level")

    def check(self) -> str:
        return "Level 1 needs 2 bars." if self.level == 1.0 and self.bars < 2 else ""

    def warmup(self) -> int:
        return self.bars

    def signals(self, bars: Bars) -> Signals:
        side = np.full(len(bars), Side.BUY, np.int8)
        return Signals(side, np.full(len(bars), 0.123456), {"Close": bars.close})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or f"{Side(signals.side[t]).name}"


def errors(**values: object) -> dict[str, str]:
    with pytest.raises(InvalidParameters) as refusal:
        Always(**values)
    return refusal.value.errors


def test_parameters_have_their_declared_defaults() -> None:
    assert Always().parameters == {"bars": 3, "level": 0.5}
    assert Always(bars=7).bars == 7


@pytest.mark.parametrize("value", [True, False, "3", None, [3], 2.5, float("nan"), float("inf"), float("-inf")])
def test_an_integer_parameter_needs_a_whole_number(value: object) -> None:
    assert errors(bars=value) == {"bars": "Bars must be a whole number."}


@pytest.mark.parametrize("value", [True, "0.5", None, {}, float("nan"), float("inf")])
def test_a_float_parameter_needs_a_number(value: object) -> None:
    assert errors(level=value) == {"level": "Level must be a number."}


@pytest.mark.parametrize("value", [0, 51, -1, 51.0, 10**400])
def test_values_out_of_bounds_are_refused(value: object) -> None:
    assert errors(bars=value) == {"bars": "Bars must be between 1 and 50."}


def test_the_bounds_themselves_are_allowed() -> None:
    assert Always(bars=1, level=0.1).parameters == {"bars": 1, "level": 0.1}
    assert Always(bars=50, level=1.0).parameters == {"bars": 50, "level": 1.0}


def test_numbers_become_the_type_of_the_default() -> None:
    kind = Always(bars=4.0, level=1)
    assert (type(kind.bars), kind.bars) == (int, 4)
    assert (type(kind.level), kind.level) == (float, 1.0)


def test_an_unknown_parameter_is_refused() -> None:
    assert errors(speed=3) == {"speed": "Always has no parameter “speed”."}


def test_all_errors_are_reported_together_before_the_rule_across_parameters() -> None:
    assert set(errors(bars=0, level="x", speed=1)) == {"bars", "level", "speed"}
    assert errors(bars=1, level=1.0) == {"": "Level 1 needs 2 bars."}
    assert set(errors(bars=0, level=1.0)) == {"bars"}


def test_the_text_of_the_exception_joins_its_messages() -> None:
    with pytest.raises(InvalidParameters) as refusal:
        Always(bars="a", level="b")
    assert str(refusal.value) == " ".join(refusal.value.errors.values())


def test_a_kind_is_immutable() -> None:
    kind = Always()
    with pytest.raises(AttributeError, match="bars"):
        kind.bars = 9


def test_kinds_with_the_same_parameters_are_equal() -> None:
    assert Always(bars=4) == Always(bars=4.0)
    assert hash(Always(bars=4)) == hash(Always(bars=4))
    assert Always(bars=4) != Always(bars=5)
    assert Always() != SmaCrossover()
    assert repr(Always(bars=4)) == "Always(bars=4, level=0.5)"


def test_a_subclass_appends_its_parameters_to_the_inherited_ones() -> None:
    class More(Always):
        extra = Param(2, low=1, high=9, step=1, search=(1, 9, 1), label="Extra")

    assert list(More.params()) == ["bars", "level", "extra"]
    assert list(Always.params()) == ["bars", "level"]


def test_the_summary_of_parameters() -> None:
    values = {"period": 14, "oversold": 30.0, "enter_on": 1}
    assert list(parameter_texts(RsiMeanReversion, values)) == ["period 14", "oversold 30", "enter_on return"]
    assert list(parameter_texts(None, values)) == ["period 14", "oversold 30", "enter_on 1"]


def test_a_choice_accepts_its_words_and_stores_their_places() -> None:
    assert RsiMeanReversion(enter_on="return") == RsiMeanReversion(enter_on=1)
    assert RsiMeanReversion(enter_on="return").parameters["enter_on"] == 1
    assert named_parameters(RsiMeanReversion, {"enter_on": 1}) == {"enter_on": "return"}
    for wrong in ("Return", 2, -1, 0.5, True, None):
        with pytest.raises(InvalidParameters) as refusal:
            RsiMeanReversion(enter_on=wrong)
        assert refusal.value.errors == {"enter_on": "Enter on must be “touch” or “return”."}


@UNTIMED
@given(st.integers(0, 12), st.integers(1, 9))
def test_the_side_is_hold_until_the_warm_up_is_complete(count: int, warmup: int) -> None:
    signals = Always(bars=warmup).signals_by_symbol({"A": bars_of(np.full(count, 5.0))})["A"]
    early = min(warmup - 1, count)
    assert signals.side.tolist() == [0] * early + [1] * (count - early)
    assert signals.strength.tolist() == [0.0] * early + [0.12] * (count - early)
    assert signals.side.dtype == np.int8


def test_each_symbol_has_its_own_warm_up() -> None:
    signals = Always().signals_by_symbol({"OLD": bars_of([1.0] * 4), "NEW": bars_of([1.0] * 2)})
    assert {symbol: signals.side.tolist() for symbol, signals in signals.items()} == {
        "OLD": [0, 0, 1, 1],
        "NEW": [0, 0],
    }


def test_normalizing_does_not_change_the_raw_signals() -> None:
    raw = Signals(np.ones(5, np.int8), np.full(5, 0.777))

    class Stored(Always):
        def signals(self, bars: Bars) -> Signals:
            return raw

    signals = Stored().signals_by_symbol({"A": bars_of([1.0] * 5)})["A"]
    assert signals.strength.tolist() == [0.0, 0.0, 0.78, 0.78, 0.78]
    assert raw.side.tolist() == [1] * 5
    assert raw.strength.tolist() == [0.777] * 5


def test_a_kind_may_rank_symbols_against_each_other() -> None:
    class Strongest(Always):
        """BUY the symbol with the higher close, and only that."""

        def signals_across(self, bars: Mapping[str, Bars]) -> dict[str, Signals]:
            best = np.maximum.reduce([series.close for series in bars.values()])
            raw = super().signals_across(bars)
            return {
                symbol: Signals(np.where(series.close == best, raw[symbol].side, 0).astype(np.int8), np.ones(4))
                for symbol, series in bars.items()
            }

    signals = Strongest().signals_by_symbol({"A": bars_of([1.0, 9.0, 1.0, 9.0]), "B": bars_of([5.0] * 4)})
    assert signals["A"].side.tolist() == [0, 0, 0, 1]
    assert signals["B"].side.tolist() == [0, 0, 1, 0]


def test_a_row_before_the_warm_up_is_explained_by_its_progress() -> None:
    kind = Always()
    signals = kind.signals_by_symbol({"A": bars_of([1.0] * 4)})["A"]
    assert [kind.explain(signals, t) for t in range(4)] == [
        "Warming up: 1 of 3 bars",
        "Warming up: 2 of 3 bars",
        "BUY",
        "BUY",
    ]
