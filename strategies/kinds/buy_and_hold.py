"""Buy and hold: the baseline that every other strategy has to beat."""

import numpy as np

from strategies.kinds.base import Kind
from strategies.kinds.strength import certain
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side, Signals


class BuyAndHold(Kind):
    key = "buy_and_hold"
    name = "Buy and hold"
    description = "Buys at once and never sells: the baseline that every other strategy has to beat."

    def warmup(self) -> int:
        return 1

    def signals(self, bars: Bars) -> Signals:
        side = np.full(len(bars), Side.BUY, np.int8)
        return Signals(side, certain(side))

    def explain(self, signals: Signals, t: int) -> str:
        return "Buy and hold is the baseline: it wants to be in the market on every bar"
