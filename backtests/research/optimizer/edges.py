"""The edges of a search: whether its best combination has the lowest or the highest value that was tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backtests.research.optimizer.grid import DECIMALS, Grid, Range, Value
from strategies.kinds.base import Choice, Param


@dataclass(frozen=True, slots=True)
class Edge:
    """A parameter whose best value is the last one that was tried on one side. wider: a range that goes on."""

    name: str
    value: Value
    is_lowest: bool
    wider: Range


def edges_of(
    grid: Grid, ranges: Mapping[str, Range], params: Mapping[str, Param[Any]], best: Mapping[str, Value]
) -> list[Edge]:
    """The edges of the combination `best`. A side on which the parameter allows no further step is no edge."""
    found = []
    for name, (low, high, step) in ranges.items():
        values, param = grid.axes[name], params[name]
        if len(values) < 2 or name not in best or isinstance(param, Choice):
            continue
        # Half of the present range, in whole steps.
        more = max(round((high - low) / step / 2), 1)
        if best[name] == values[0] and (by := _steps(low - param.low, step, more)):
            found.append(Edge(name, values[0], True, (_plain(low - by * step, param), high, step)))
        elif best[name] == values[-1] and (by := _steps(param.high - values[-1], step, more)):
            found.append(Edge(name, values[-1], False, (low, _plain(values[-1] + by * step, param), step)))
    return found


def _steps(room: float, step: float, most: int) -> int:
    return min(int(room / step + 1e-9), most)


def _plain(value: float, param: Param[Any]) -> Value:
    return round(value) if param.is_integer else round(value, DECIMALS)
