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
MAX_CELLS = 2_500_000
AT_A_TIME = 500
# Sharpe ratios per session that are no further out_of_sample are one: sums of the same numbers differ by rounding.
EQUAL = 1e-9


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
    logit ln(w / (1 - w)); the probability is the part of the splits with a logit below zero. Source: D. H. Bailey,
    J. M. Borwein, M. Lopez de Prado and Q. J. Zhu, The Probability of Backtest Overfitting, Journal of
    Computational Finance 20 (2017). They count a logit of exactly zero as overfitted; here it counts half, so that
    equals say neither. A column that never moves takes no part. None for fewer than two that differ, or fewer than
    two sessions a block.
    """
    sessions = len(returns)
    length = sessions // blocks
    if length < 2:
        return None
    returns = informative(returns[sessions - length * blocks :])
    columns = returns.shape[1]
    if columns < 2:
        return None
    cut = returns.reshape(blocks, length, columns)
    sums, squares = cut.sum(axis=1), np.square(cut).sum(axis=1)
    halves = splits(blocks, max(MAX_CELLS // columns, 100), seed)
    count = length * blocks // 2
    logits = np.concatenate(
        [_logits(part, sums, squares, count) for part in np.array_split(halves, -(-len(halves) // AT_A_TIME))]
    )
    in_the_middle = np.abs(logits) < EQUAL
    overfitted = np.where(in_the_middle, 0.5, logits < 0.0)
    return Overfitting(float(overfitted.mean()), logits, columns)


def informative(returns: Floats) -> Floats:
    """The columns that move; of those that are all the same one alone, for there is nothing to choose between."""
    moving: Floats = returns[:, returns.std(axis=0) >= NO_SPREAD] if len(returns) else returns[:, :0]
    alike = moving.shape[1] > 1 and bool((np.ptp(moving, axis=1) < NO_SPREAD).all())
    return moving[:, :1] if alike else moving


def splits(blocks: int, most: int, seed: int) -> NDArray[np.float64]:
    """Which blocks are in sample, 1 or 0, (splits, blocks): every selection of half of them, or `most` drawn by
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
    equal = np.abs(outside - own) < EQUAL
    rank = ((outside < own) & ~equal).sum(axis=1) + (equal.sum(axis=1) + 1.0) / 2.0
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
