"""Overfitting: whether the best combination of a search stays good on sessions that did not select it."""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.core.metrics import NO_SPREAD

BLOCKS = 16
# A large search uses a sample of the 12,870 splits; its probability is then accurate to about 0.01.
MAX_CELLS = 2_500_000
SPLITS_IN_MEMORY = 500
# Sharpe ratios per session that differ by less are equal: sums of the same numbers differ by rounding.
EQUAL = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Overfitting:
    """probability: that the best combination in sample ranks below the median out of sample. logits (splits,): of
    its relative rank out of sample, negative below the median. columns: the number of combinations compared.
    """

    probability: float
    logits: Floats
    columns: int


def overfitting(returns: Floats, seed: int, blocks: int = BLOCKS) -> Overfitting | None:
    """The probability of backtest overfitting by combinatorially symmetric cross-validation.

    returns: (sessions, columns). The sessions are cut into `blocks` of equal length (a remainder at the start is
    left out); each half of the blocks is in sample once, and the other half out of sample. The column with the
    best Sharpe ratio in sample has the relative rank w among the N out of sample, w = rank / (N + 1), and the
    logit ln(w / (1 - w)); the probability is the fraction of the splits with a logit below zero. Source: D. H.
    Bailey, J. M. Borwein, M. Lopez de Prado and Q. J. Zhu, The Probability of Backtest Overfitting, Journal of
    Computational Finance 20 (2017). They count a logit of exactly zero as overfitted; here it counts half, because
    equal columns are no evidence. A constant column is left out. None for fewer than two different columns, or
    fewer than two sessions a block.
    """
    sessions = len(returns)
    length = sessions // blocks
    if length < 2:
        return None
    returns = informative_columns(returns[sessions - length * blocks :])
    columns = returns.shape[1]
    if columns < 2:
        return None
    cut = returns.reshape(blocks, length, columns)
    sums, squares = cut.sum(axis=1), np.square(cut).sum(axis=1)
    halves = splits(blocks, max(MAX_CELLS // columns, 100), seed)
    count = length * blocks // 2
    logits = np.concatenate(
        [
            _logits(part, sums, squares, count)
            for part in np.array_split(halves, -(-len(halves) // SPLITS_IN_MEMORY))
        ]
    )
    at_median = np.abs(logits) < EQUAL
    overfitted = np.where(at_median, 0.5, logits < 0.0)
    return Overfitting(float(overfitted.mean()), logits, columns)


def informative_columns(returns: Floats) -> Floats:
    """The columns that are not constant; only one of them when all are equal."""
    not_constant: Floats = returns[:, returns.std(axis=0) >= NO_SPREAD] if len(returns) else returns[:, :0]
    all_equal = not_constant.shape[1] > 1 and bool((np.ptp(not_constant, axis=1) < NO_SPREAD).all())
    return not_constant[:, :1] if all_equal else not_constant


def splits(blocks: int, most: int, seed: int) -> NDArray[np.float64]:
    """The blocks in sample, 1 or 0, (splits, blocks): every choice of half of them, or `most` random ones."""
    all_splits = np.zeros((comb(blocks, blocks // 2), blocks))
    for row, half in enumerate(combinations(range(blocks), blocks // 2)):
        all_splits[row, list(half)] = 1.0
    if len(all_splits) <= most:
        return all_splits
    return all_splits[np.sort(np.random.default_rng(seed).choice(len(all_splits), most, replace=False))]


def _logits(halves: Floats, sums: Floats, squares: Floats, count: int) -> Floats:
    in_sample = _sharpes(halves @ sums, halves @ squares, count)
    out_of_sample = _sharpes((1.0 - halves) @ sums, (1.0 - halves) @ squares, count)
    best = in_sample.argmax(axis=1)
    own = np.take_along_axis(out_of_sample, best[:, None], axis=1)
    # Equal columns share the middle rank, so that identical combinations are no evidence.
    equal = np.abs(out_of_sample - own) < EQUAL
    rank = ((out_of_sample < own) & ~equal).sum(axis=1) + (equal.sum(axis=1) + 1.0) / 2.0
    relative = rank / (out_of_sample.shape[1] + 1.0)
    logits: Floats = np.log(relative / (1.0 - relative))
    return logits


def _sharpes(sums: Floats, squares: Floats, count: int) -> Floats:
    """Per session, (splits, columns); 0 for a constant column."""
    mean = sums / count
    spread = np.sqrt(np.maximum(squares - count * mean**2, 0.0) / (count - 1))
    constant = spread < NO_SPREAD
    ratios: Floats = np.where(constant, 0.0, mean / np.where(constant, 1.0, spread))
    return ratios
