"""How far the indicator lines of a window may be from those of a longer history."""

import numpy as np

from strategies.kinds.base import Kind
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Signals

# Of the price where the lines are prices, else of the range of the line: decision 16.
WARMUP_TOLERANCE = 1e-3


def line_scales(kind: Kind, signals: Signals, bars: Bars) -> dict[str, Floats]:
    """For each line what its tolerance is a fraction of, (n,): the close where the lines are prices, else the
    difference between the highest and the lowest value of the line."""
    if kind.overlay:
        return dict.fromkeys(signals.lines, bars.close)
    return {name: np.full(len(bars), _range_of(line)) for name, line in signals.lines.items()}


def is_tie(kind: Kind, bars: Bars, whole: Signals, row: int, window: Signals) -> bool:
    """Whether all lines of the last two rows of `window`, which ends at `row`, are within the tolerance of those
    of the full history: a decision that differs all the same is one between two values that are all but equal."""
    rows, scales = slice(row - 1, row + 1), line_scales(kind, whole, bars)
    return all(
        np.allclose(window.lines[name][-2:], line[rows], 0.0, WARMUP_TOLERANCE * scales[name][row], equal_nan=True)
        for name, line in whole.lines.items()
    )


def _range_of(line: Floats) -> float:
    known = line[~np.isnan(line)]
    return float(np.ptp(known)) if len(known) else 0.0
