"""Stochastic RSI: the position of the RSI in its recent range, after Chande and Kroll."""

from enum import IntEnum

import numpy as np
import talib
from numpy.typing import NDArray

from strategies.kinds.averages import simple_average
from strategies.kinds.base import Choice, Param
from strategies.kinds.crossings import exceeds
from strategies.kinds.explanations import level_text
from strategies.kinds.extremes import EnterOn, enter_on_choice, extreme_sides
from strategies.kinds.relative_strength import TOP, relative_strength
from strategies.kinds.sharing import Once, SharingKind
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Side, Signals

PERCENT_K, PERCENT_D = "%K", "%D"


class Line(IntEnum):
    """The values of the parameter `line`."""

    K = 0
    D = 1


class StochasticRsi(SharingKind):
    key = "stochastic_rsi"
    name = "Stochastic RSI"
    description = (
        "Buys when %K or %D of the RSI falls below oversold, or comes back above it; sells likewise at overbought."
    )
    overlay = False

    rsi_period = Param(
        14, low=2, high=100, step=1, search=(7, 28, 7), label="RSI period", help="Bars in the RSI's averages."
    )
    stochastic_period = Param(
        14,
        low=2,
        high=100,
        step=1,
        search=(7, 28, 7),
        label="Stochastic period",
        help="RSI values whose range the RSI is compared with.",
    )
    k_smoothing = Param(
        3,
        low=1,
        high=50,
        step=1,
        search=(2, 5, 1),
        label="%K smoothing",
        help="Bars in the average that is %K; 1 for no average.",
    )
    d_smoothing = Param(
        3, low=1, high=50, step=1, search=(2, 5, 1), label="%D smoothing", help="Values of %K in the average %D."
    )
    line = Choice(
        "k",
        {"k": "%K", "d": "%D, slower"},
        label="Line",
        help_text="The line that has to cross oversold and overbought.",
    )
    oversold = Param(
        20.0,
        low=1.0,
        high=99.0,
        step=0.5,
        search=(10.0, 30.0, 5.0),
        label="Oversold",
        help="Buys where the line crosses this.",
    )
    overbought = Param(
        80.0,
        low=1.0,
        high=99.0,
        step=0.5,
        search=(70.0, 90.0, 5.0),
        label="Overbought",
        help="Sells where the line crosses this.",
    )
    enter_on = enter_on_choice(
        EnterOn.RETURN,
        "Touch buys when the line crosses below oversold and sells when it crosses above overbought. Return waits "
        "until it crosses back.",
    )

    def check(self) -> str:
        if self.oversold < self.overbought:
            return ""
        return f"Oversold ({self.oversold:g}) must be lower than overbought ({self.overbought:g})."

    def warmup(self) -> int:
        """9 periods for the RSI, whose small ranges magnify its error, then its range and both averages."""
        return 9 * self.rsi_period + self._window

    def memory(self) -> int:
        """20 periods for the RSI, its range and both averages."""
        return 20 * self.rsi_period + self._window

    @property
    def _window(self) -> int:
        """The RSI values in the range, those of both averages, and one bar to cross from."""
        return self.stochastic_period + self.k_smoothing + self.d_smoothing + 1

    def decide(self, bars: Bars, once: Once) -> Signals:
        of_rsi = (self.rsi_period,)
        of_position = (*of_rsi, self.stochastic_period)
        of_k = (*of_position, self.k_smoothing)

        def percent_k() -> tuple[Floats, NDArray[np.bool_]]:
            rsi = once(of_rsi, lambda: relative_strength(bars.close, self.rsi_period))
            return _average(*once(of_position, lambda: self._position(rsi)), self.k_smoothing)

        def percent_d() -> Floats:
            return _with_nan(*_average(*once(of_k, percent_k), self.d_smoothing))

        def lines() -> dict[str, Floats]:
            return {PERCENT_K: _with_nan(*once(of_k, percent_k)), PERCENT_D: percent_d()}

        if self.line == Line.K:
            line = once(("K", *of_k), lambda: _with_nan(*once(of_k, percent_k)))
        else:
            line = once(("D", *of_k, self.d_smoothing), percent_d)
        side = extreme_sides(line, self.oversold, self.overbought, TOP, self.enter_on)
        return Signals(side, None, lines)

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._reason(Side(signals.side[t]), signals.lines[self._line][t])

    @property
    def _line(self) -> str:
        return PERCENT_K if self.line == Line.K else PERCENT_D

    def _position(self, rsi: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """(RSI - lowest) / (highest - lowest) of its last `stochastic_period` values, 0 to 100 (n,), and where it
        is known: not where one of these values is unknown, or where all of them are equal."""
        known = ~np.isnan(rsi)
        rsi = np.where(known, rsi, 0.0)
        lowest, highest = talib.MIN(rsi, self.stochastic_period), talib.MAX(rsi, self.stochastic_period)
        known = _all_of_last(known, self.stochastic_period) & exceeds(highest, lowest, TOP)
        position = np.zeros(len(rsi))
        position[known] = TOP * (rsi - lowest)[known] / (highest - lowest)[known]
        return position, known

    def _reason(self, side: Side, value: float) -> str:
        if np.isnan(value):
            return f"No stochastic RSI: the RSI has not changed for {self.stochastic_period} bars"
        return level_text(side, f"{self._line} of the RSI", value, self.oversold, self.overbought)


def _average(values: Floats, known: NDArray[np.bool_], bars: int) -> tuple[Floats, NDArray[np.bool_]]:
    """The average of the last `bars` values (n,), and where all of them are known; unknown values are 0."""
    known = _all_of_last(known, bars)
    return np.where(known, simple_average(values, bars), 0.0), known


def _with_nan(values: Floats, known: NDArray[np.bool_]) -> Floats:
    return np.where(known, values, np.nan)


def _all_of_last(flags: NDArray[np.bool_], bars: int) -> NDArray[np.bool_]:
    """Where the flag (n,) is set on all of the last `bars` bars."""
    if bars == 1:  # TA-Lib's shortest window is 2
        return flags
    return np.asarray(talib.MIN(flags.astype(np.float64), bars) == 1.0)
