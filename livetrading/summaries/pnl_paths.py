"""The profit and loss of each live strategy at the last closes, walked back from today's. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tradedesk.core.bars import Floats


@dataclass(frozen=True, slots=True)
class PathFill:
    """shares: positive for a purchase. spent: dollars paid, commission included; negative for a sale."""

    live_id: int | None
    symbol: str
    time: datetime
    shares: float
    spent: float


def pnl_paths(
    totals: Mapping[int, float],
    held: Mapping[tuple[int | None, str], float],
    fills: Iterable[PathFill],
    moments: Sequence[datetime],
    closes: Mapping[str, Floats],
) -> dict[int, Floats]:
    """By live strategy, its total profit and loss at each moment. totals: at the last one. held: the shares now,
    by strategy and symbol. fills: all since the first moment. closes: of each symbol at the moments; a symbol
    without them moves nothing. A split in between moves a path as if shares had been bought or sold."""
    shares: dict[tuple[int | None, str], Floats] = {}
    spent: dict[int | None, Floats] = defaultdict(lambda: np.zeros(len(moments)))
    for key, quantity in held.items():
        shares[key] = np.full(len(moments), quantity)
    for fill in fills:
        # At the moments before the fill its shares were not there, and its money was.
        before = np.array([moment < fill.time for moment in moments])
        key = (fill.live_id, fill.symbol)
        shares.setdefault(key, np.zeros(len(moments)))[before] -= fill.shares
        spent[fill.live_id][before] += fill.spent
    value: dict[int | None, Floats] = defaultdict(lambda: np.zeros(len(moments)))
    for (live_id, symbol), path in shares.items():
        if symbol in closes:
            value[live_id] += path * closes[symbol]
    return {
        live_id: total - (value[live_id][-1] - value[live_id] - spent[live_id])
        for live_id, total in totals.items()
    }
