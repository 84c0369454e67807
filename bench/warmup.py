"""Measures how many bars each kind needs until older ones hardly matter: `python -m bench.warmup`.

From many starts in the sample stocks and in random walks, an indicator is computed from the start on and compared
with the one over the whole series. The shortest window is the number of bars from which on its lines never differ
by more than the tolerance again: of the price where they are prices, else of the range of the line. Decision 16
has the table.
"""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from strategies.kinds import Kind, kinds
from strategies.line_errors import line_scales
from tradedesk.core.bars import Bars, Floats
from tradedesk.marketdata.samples import FINGERPRINTS, sample_bars

SEED, WALKS, WALK_BARS, STARTS = 7, 20, 6000, 60
TOLERANCES = (1e-3, 1e-6)
# The kinds whose indicators remember bars that have left their window.
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "ema_crossover": [{"fast": 10, "slow": 20}, {"fast": 50, "slow": 200}],
    "macd": [{}, {"fast": 6, "slow": 18, "signal": 15}, {"fast": 20, "slow": 50, "signal": 5}],
    "rsi_mean_reversion": [{"period": 5}, {}, {"period": 30}],
    "stochastic_rsi": [{"rsi_period": 7}, {}, {"rsi_period": 28, "stochastic_period": 7}],
    "adx_trend": [{"period": 7}, {}, {"period": 28}],
    "supertrend": [
        {"period": 7, "multiplier": 1.0},
        {},
        {"period": 7, "multiplier": 7.0},
        {"period": 21, "multiplier": 7.0},
        {"period": 10, "multiplier": 10.0},
    ],
    "parabolic_sar": [
        {"acceleration": 0.01, "maximum": 0.1},
        {},
        {"acceleration": 0.03, "maximum": 0.03},
        {"acceleration": 0.05, "maximum": 0.5},
    ],
}
ROW = "{:<34}{:>7}{:>9}{:>7}{:>8}{:>16}\n"


def main() -> None:
    sys.stdout.write(ROW.format("", "1e-3", "warm-up", "1e-6", "memory", "differ"))
    series = list(measured_series())
    for key, combinations in PARAMETERS.items():
        for values in combinations:
            kind = kinds()[key](**values)
            short, long = shortest_windows(kind, series)
            differing, decisions = differing_decisions(kind, series)
            name = f"{key} {', '.join(f'{value:g}' for value in values.values()) or 'defaults'}"
            row = ROW.format(name, short, kind.warmup(), long, kind.memory(), f"{differing:,} of {decisions:,}")
            sys.stdout.write(row)


def measured_series() -> Iterator[Bars]:
    yield from (sample_bars(symbol) for symbol in FINGERPRINTS)
    for walk in range(WALKS):
        generator = np.random.default_rng(SEED + walk)
        close = np.round(50.0 * np.exp(np.cumsum(generator.normal(0.0, 0.02, WALK_BARS))), 4)
        spread = 1.0 + np.abs(generator.normal(0.0, 0.01, WALK_BARS))
        time = np.datetime64("2000-01-03T05:00", "us") + np.arange(WALK_BARS).astype("timedelta64[D]")
        yield Bars(time, close, close * spread, close / spread, close, np.full(WALK_BARS, 1000.0))


def shortest_windows(kind: Kind, series: list[Bars]) -> tuple[int, ...]:
    """The shortest window for each of the TOLERANCES."""
    worst: Floats = np.zeros(max(map(len, series)))
    for bars in series:
        whole = kind.signals(bars)
        scales = line_scales(kind, whole, bars)
        for start in starts_in(bars):
            part = kind.signals(bars[start:])
            for name, line in part.lines.items():
                error = np.abs(line - whole.lines[name][start:]) / scales[name][start:]
                # Unknown in the window and known in the full history is as wrong as can be.
                error[np.isnan(line) & ~np.isnan(whole.lines[name][start:])] = np.inf
                worst[: len(error)] = np.fmax(worst[: len(error)], error)
    return tuple(int(np.flatnonzero(worst > tolerance).max(initial=-1)) + 2 for tolerance in TOLERANCES)


def differing_decisions(kind: Kind, series: list[Bars]) -> tuple[int, int]:
    """How many decisions after the warm-up differ from those of the full history, and how many there are."""
    differing = decisions = 0
    first = kind.warmup() - 1
    for bars in series:
        whole = kind.signals(bars).side
        for start in starts_in(bars):
            part, full = kind.signals(bars[start:]).side[first:], whole[start + first :]
            differing += int((part != full).sum())
            decisions += int((full != 0).sum())
    return differing, decisions


def starts_in(bars: Bars) -> list[int]:
    generator = np.random.default_rng(SEED)
    return [int(start) for start in generator.integers(1, max(len(bars) * 2 // 3, 2), STARTS)]


if __name__ == "__main__":
    main()
