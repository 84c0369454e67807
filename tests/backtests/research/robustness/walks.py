"""Synthetic prices: random walks without an edge, and a series of alternating up and down trends."""

import numpy as np

from tradedesk.core.bars import Bars, Floats

LENGTH = 80


def walk(seed: int, bars: int = 1000) -> Bars:
    """A random walk without drift: any profit on it is chance."""
    return _bars(np.random.default_rng(seed).normal(0.0, 0.015, bars))


def trends(seed: int, bars: int = 2000) -> Bars:
    """Up for 80 bars, down for 80, by 0.4% a bar: trend following has an edge."""
    drift = np.where(np.arange(bars) // LENGTH % 2 == 0, 0.004, -0.004)
    return _bars(drift + np.random.default_rng(seed).normal(0.0, 0.01, bars))


def _bars(steps: Floats) -> Bars:
    close = 50.0 * np.exp(np.cumsum(steps))
    opened = np.concatenate(([50.0], close[:-1]))
    high, low = np.maximum(opened, close) * 1.003, np.minimum(opened, close) * 0.997
    time = np.datetime64("2000-01-03T05:00", "us") + np.arange(len(close)) * np.timedelta64(1, "D")
    return Bars(time, opened, high, low, close, np.full(len(close), 1e6))
