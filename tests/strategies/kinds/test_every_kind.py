"""Requirements of the form, the optimizer, the charts and the signal history for every kind."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds import InvalidParameters, Kind, kinds
from tests.strategies.kinds.series import SHAPES, UNTIMED, generated, stock
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side

EVERY_KIND = pytest.mark.parametrize("kind", kinds().values(), ids=kinds().keys())


@EVERY_KIND
def test_it_has_a_key_a_name_and_a_short_description(kind: type[Kind]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", kind.key)
    assert 3 <= len(kind.name) <= 40
    assert kind.description.endswith(".")
    assert len(kind.description) <= 200


@EVERY_KIND
def test_every_parameter_has_valid_bounds_and_search_range(kind: type[Kind]) -> None:
    for param in kind.params().values():
        low, high, step = param.search
        assert param.label
        assert param.help.endswith(".")
        assert param.step > 0
        assert step > 0
        assert param.low <= low < high <= param.high
        assert low <= param.default <= high
        assert ((high - low) / step).is_integer()
        assert {type(number) for number in (param.low, param.high, param.step, *param.search)} == {
            type(param.default)
        }


@EVERY_KIND
def test_it_accepts_its_defaults_and_refuses_values_out_of_bounds(kind: type[Kind]) -> None:
    default = kind()
    assert kind(**default.parameters) == default
    for name, param in kind.params().items():
        for beyond in (param.low - param.step, param.high + param.step, float("nan"), True, "1", None):
            with pytest.raises(InvalidParameters) as refusal:
                kind(**{name: beyond})
            assert set(refusal.value.errors) == {name}


@EVERY_KIND
@UNTIMED
@given(st.integers(0, 10**9), st.sampled_from(sorted(SHAPES)), st.integers(2, 700))
def test_signals_are_aligned_and_within_bounds(kind: type[Kind], seed: int, shape: str, count: int) -> None:
    default = kind()
    signals = default.signals_by_symbol({"A": generated(shape, seed, count)})["A"]
    assert signals.side.dtype.name == "int8"
    assert signals.strength.dtype.name == "float64"
    assert len(signals.side) == len(signals.strength) == count
    assert set(signals.side.tolist()) <= set(Side)
    assert ((signals.strength > 0) == (signals.side != Side.HOLD)).all()
    assert (signals.strength[signals.side != Side.HOLD] >= 0.6).all()
    assert (signals.strength <= 1.0).all()
    assert not signals.side[: default.warmup() - 1].any()
    for name, line in signals.lines.items():
        assert name
        assert line.dtype.name == "float64"
        assert len(line) == count


@EVERY_KIND
def test_too_few_bars_give_hold_without_an_exception(kind: type[Kind]) -> None:
    default, bars = kind(), stock("AAPL")
    for count in range(default.warmup()):
        signals = default.signals_by_symbol({"A": bars[:count]})["A"]
        assert len(signals) == count
        assert not signals.side.any()


@EVERY_KIND
def test_it_does_not_write_into_the_bars(kind: type[Kind]) -> None:
    source = stock("IBM")
    copies = [getattr(source, name).copy() for name in ("time", "open", "high", "low", "close", "volume")]
    for column in copies:
        column.flags.writeable = False
    expected = kind().signals(source)
    assert kind().signals(Bars(*copies)).side.tolist() == expected.side.tolist()


@EVERY_KIND
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_row_has_an_explanation(kind: type[Kind], shape: str) -> None:
    default = kind()
    signals = default.signals_by_symbol({"A": generated(shape, 11, 500)})["A"]
    for t in range(len(signals)):
        text = default.explain(signals, t)
        assert 10 <= len(text) <= 200
        assert "nan" not in text.lower()
        assert text.startswith("Warming up") == (t < default.warmup() - 1)


@EVERY_KIND
def test_it_buys_on_a_sample_stock(kind: type[Kind]) -> None:
    sides = set(kind().signals_by_symbol({"A": stock("AAPL")})["A"].side.tolist())
    assert Side.BUY in sides
