"""Kinds whose parameter combinations share the indicators that depend on the same parameters."""

from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.base import Kind
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side, Signals

Value = TypeVar("Value")


class Once(Protocol):
    """once(key, make): make(), or what it returned for an equal key on the same bars."""

    def __call__(self, key: Hashable, make: Callable[[], Value]) -> Value: ...


class SharingKind(Kind):
    """A subclass defines `decide` instead of `signals`, and a sweep computes its shared values once."""

    @abstractmethod
    def decide(self, bars: Bars, once: Once) -> Signals:
        """`signals`, with once(key, make) around what other parameters share. The key names all parameters that
        make() uses; nobody may write to what it returns."""

    def signals(self, bars: Bars) -> Signals:
        return self.decide(bars, _compute)

    @classmethod
    def sides_in_batch(cls, kinds: Sequence[Any], bars: Bars) -> NDArray[np.int8] | None:
        kept: dict[Hashable, Any] = {}

        def once(key: Hashable, make: Callable[[], Value]) -> Value:
            if key not in kept:
                kept[key] = make()
            found: Value = kept[key]
            return found

        sides = np.empty((len(kinds), len(bars)), np.int8)
        for side, kind in zip(sides, kinds, strict=True):
            decided = kind.decide(bars, once)
            if cls.least_strength == 1.0 and not decided.is_full:
                return None  # it has weaker signals than it says
            side[:] = decided.side
            side[: max(kind.warmup() - 1, 0)] = Side.HOLD
        return sides


def _compute(key: Hashable, make: Callable[[], Value]) -> Value:
    return make()
