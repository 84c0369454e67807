"""Buy and hold: the baseline for every other strategy."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from strategies.kinds.base import Kind
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side, Signals


class BuyAndHold(Kind):
    key = "buy_and_hold"
    name = "Buy and hold"
    description = (
        "Buys on the first bar and never sells: the baseline for every other strategy. With a stop it buys "
        "again at the next bar after the stop has sold."
    )
    # A stop would sell, and it is the benchmark only as long as it never does.
    rule_defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({"stop_loss_pct": None})

    def warmup(self) -> int:
        return 1

    def signals(self, bars: Bars) -> Signals:
        return Signals(np.full(len(bars), Side.BUY, np.int8))

    def explain(self, signals: Signals, t: int) -> str:
        return "Buy and hold keeps a position on every bar: the baseline for other strategies"
