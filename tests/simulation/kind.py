"""A strategy kind that trades a lot: what it does follows from the cents of the close, as if from a coin."""

from pathlib import Path

import numpy as np

from strategies.kinds import Plugin, add_plugins, kinds
from strategies.kinds.base import Kind, Param
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side, Signals

SIDES = np.array([Side.BUY, Side.SELL, Side.BUY, Side.HOLD], np.int8)


class Coin(Kind):
    key = "coin"
    name = "Coin"
    description = "Buys or sells by the cents of the close. For the simulation of the desk alone."

    turn = Param(1, low=1, high=99, step=1, search=(1, 9, 1), label="Turn")

    def warmup(self) -> int:
        return 1

    def signals(self, bars: Bars) -> Signals:
        cents = np.rint(bars.close * 100).astype(np.int64)
        side = SIDES[(cents * (2 * self.turn + 1) + cents // 7) % len(SIDES)]
        return Signals(side, np.where(side == Side.HOLD, 0.0, 0.5 + (cents % 50) / 100))

    def explain(self, signals: Signals, t: int) -> str:
        return "The coin was thrown."


def install() -> None:
    if Coin.key not in kinds():
        add_plugins([Coin], Plugin(Path(__file__)))
