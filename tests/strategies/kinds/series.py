"""Bars for the tests of the kinds: the five sample stocks, explicit closes, and generated series."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from strategies.kinds import InvalidParameters, Kind, Param
from tradedesk.core.bars import LEAST_PRICE, Bars, Floats, Times, validate
from tradedesk.marketdata.samples import FINGERPRINTS, sample_bars

UNTIMED = settings(deadline=None)  # a slow machine must not fail a test

STOCKS = tuple(FINGERPRINTS)


def bars_of(
    close: Sequence[float] | Floats,
    high: Sequence[float] | Floats | None = None,
    low: Sequence[float] | Floats | None = None,
) -> Bars:
    """Daily bars with these closes; high and low default to the close."""
    closes = np.array(close, dtype=np.float64)
    first = np.datetime64("2000-01-03T05:00", "us")
    time: Times = first + np.arange(len(closes)).astype("timedelta64[D]")
    highs = closes if high is None else np.array(high, dtype=np.float64)
    lows = closes if low is None else np.array(low, dtype=np.float64)
    return Bars(time, closes, highs, lows, closes, np.full(len(closes), 1000.0))


stock = cache(sample_bars)


def _walk(seed: int, count: int, volatility: float) -> Floats:
    steps = np.random.default_rng(seed).normal(0.0, volatility, count)
    return np.asarray(50.0 * np.exp(np.cumsum(steps)))


def _cents(seed: int, count: int) -> Floats:
    """A walk of -1, 0 or +1 cent per bar: averages often tie exactly."""
    return np.asarray((5000 + np.cumsum(np.random.default_rng(seed).integers(-1, 2, count))) / 100.0)


def _sawtooth(seed: int, count: int) -> Floats:
    """A few prices that repeat: the same averages come back, including ties."""
    return np.resize(np.random.default_rng(seed).integers(900, 1100, 1 + seed % 12) / 100.0, count)


def _interrupted(seed: int, count: int) -> Floats:
    """A walk on cents with two halts, each up to a third of the series."""
    generator = np.random.default_rng(seed)
    close = np.round(_walk(seed, count, 0.01), 2)
    for start in generator.integers(0, count, 2):
        close[start : start + int(generator.integers(1, 2 + count // 3))] = close[start]
    return close


def _shocked(seed: int, count: int) -> Floats:
    """A walk on cents with one fall to about half the price: a large change that averages must forget."""
    close = _cents(seed, count)
    close[int(np.random.default_rng(seed).integers(1, max(count, 2))) :] -= 25.0
    return close


def _trend(seed: int, count: int) -> Floats:
    return np.asarray(20.0 + np.arange(count) * ((seed % 41) - 20) / 20.0 * 15.0 / count)


def _flat(seed: int, count: int) -> Floats:
    return np.full(count, 1.0 + seed % 100)


SHAPES: dict[str, Callable[[int, int], Floats]] = {
    "random walk": lambda seed, count: _walk(seed, count, 0.02),
    "random walk on cents": lambda seed, count: _walk(seed, count, 0.02).round(2),
    "wild random walk": lambda seed, count: _walk(seed, count, 0.08),
    "cents": _cents,
    "sawtooth": _sawtooth,
    "interrupted": _interrupted,
    "shocked": _shocked,
    "trend": _trend,
    "flat": _flat,
}


def generated(shape: str, seed: int, count: int) -> Bars:
    """`count` bars of one of the SHAPES, with highs and lows around the close (equal to it in a flat series)."""
    close = SHAPES[shape](seed, count)
    close *= max(1.0, 2 * LEAST_PRICE / close.min(initial=np.inf))  # a long wild walk may fall to nothing
    spread = np.random.default_rng(seed + 1).integers(0, 20, (2, count)) / 1000.0
    if shape == "flat":
        spread *= 0.0
    bars = bars_of(close, close * (1.0 + spread[0]), close / (1.0 + spread[1]))
    validate(bars)
    return bars


def _values(param: Param[int] | Param[float]) -> st.SearchStrategy[int | float]:
    low, high, step = param.search
    return st.integers(0, round((high - low) / step)).map(lambda count: low + count * step)


@st.composite
def kinds_within_search(draw: st.DrawFn, kind: type[Kind]) -> Kind:
    """The kind with random parameters from its search ranges, or its defaults if they are invalid together."""
    values = draw(st.fixed_dictionaries({name: _values(param) for name, param in kind.params().items()}))
    try:
        return kind(**values)
    except InvalidParameters:
        return kind()
