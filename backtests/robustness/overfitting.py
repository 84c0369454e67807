"""Overfitting: does the best of a search stay good on sessions that had no part in choosing it?"""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.core.metrics import NO_SPREAD

BLOCKS = 16
# Of a large search a sample of the 12,870 splits is tried: its probability then is right to about 0.01.
MOST_CELLS = 2_500_000
AT_A_TIME = 500


@dataclass(frozen=True, slots=True, eq=False)
class Overfitting:
    """probability: that the in-sample best falls below the median out of sample. logits (splits,): of its relative
    rank there, below zero in the lower half. columns: combinations compared."""

    probability: float
    logits: Floats
    columns: int


def overfitting(returns: Floats, seed: int, blocks: int = BLOCKS) -> Overfitting | None:
    """The probability of backtest overfitting by combinatorially symmetric cross-validation.

    returns: (sessions, columns). The sessions are cut into `blocks` of equal length (what is left over at the
    start is left out); each half of the blocks is in sample once, the other half out of sample. The column with
    the best Sharpe ratio in sample has the relative rank w among the N out of sample, w = rank / (N + 1), and the
    logit ln(w / (1 - w)); the probability is the part of the splits with a logit of zero or less. None for fewer
    than two columns or fewer than two sessions a block. Source: D. H. Bailey, J. M. Borwein, M. Lopez de Prado and
    Q. J. Zhu, The Probability of Backtest Overfitting, Journal of Computational Finance 20 (2017).
    """
    sessions, columns = returns.shape
    length = sessions // blocks
    if columns < 2 or length < 2:
        return None
    cut = returns[sessions - length * blocks :].reshape(blocks, length, columns)
    sums, squares = cut.sum(axis=1), np.square(cut).sum(axis=1)
    halves = splits(blocks, max(MOST_CELLS // columns, 100), seed)
    count = length * blocks // 2
    logits = np.concatenate(
        [_logits(part, sums, squares, count) for part in np.array_split(halves, -(-len(halves) // AT_A_TIME))]
    )
    return Overfitting(float((logits <= 0.0).mean()), logits, columns)


def splits(blocks: int, most: int, seed: int) -> NDArray[np.float64]:
    """Which blocks are in sample, 1 or 0, (splits, blocks): every choice of half of them, or `most` drawn by
    seed.
    """
    everything = np.zeros((comb(blocks, blocks // 2), blocks))
    for row, chosen in enumerate(combinations(range(blocks), blocks // 2)):
        everything[row, list(chosen)] = 1.0
    if len(everything) <= most:
        return everything
    return everything[np.sort(np.random.default_rng(seed).choice(len(everything), most, replace=False))]


def _logits(halves: Floats, sums: Floats, squares: Floats, count: int) -> Floats:
    inside = _sharpes(halves @ sums, halves @ squares, count)
    outside = _sharpes((1.0 - halves) @ sums, (1.0 - halves) @ squares, count)
    best = inside.argmax(axis=1)
    own = np.take_along_axis(outside, best[:, None], axis=1)
    # Of equals each has the middle rank, so that a search of twins is no evidence for either side.
    rank = (outside < own).sum(axis=1) + ((outside == own).sum(axis=1) + 1.0) / 2.0
    relative = rank / (outside.shape[1] + 1.0)
    logits: Floats = np.log(relative / (1.0 - relative))
    return logits


def _sharpes(sums: Floats, squares: Floats, count: int) -> Floats:
    """Per session, (splits, columns); 0 for a column that does not move."""
    mean = sums / count
    spread = np.sqrt(np.maximum(squares - count * mean**2, 0.0) / (count - 1))
    still = spread < NO_SPREAD
    ratios: Floats = np.where(still, 0.0, mean / np.where(still, 1.0, spread))
    return ratios
