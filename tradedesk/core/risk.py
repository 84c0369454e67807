"""Risk: the one function that decides whether an entry is allowed, and the message of each refusal."""

from enum import IntEnum
from typing import Any

from numba import njit


class Refusal(IntEnum):
    """Why an entry is refused; NONE allows it. The compiled kernels use the numbers."""

    NONE = 0
    WEAK_SIGNAL = 1
    MAX_POSITIONS = 2
    DAILY_LOSS = 3
    DRAWDOWN = 4
    NO_SIZE = 5

    def message(self, **facts: object) -> str:
        """The reason as a trader reads it, with the figures that led to it."""
        return _MESSAGES[self].format(**facts)


_MESSAGES = {
    Refusal.NONE: "",
    Refusal.WEAK_SIGNAL: "Signal strength {strength:.2f} is below the threshold of {threshold:.2f}.",
    Refusal.MAX_POSITIONS: "The limit of {max_positions} open positions is reached.",
    Refusal.DAILY_LOSS: "Today's loss of ${loss:,.2f} has reached the daily limit of ${limit:,.2f}.",
    Refusal.DRAWDOWN: "The drawdown of {drawdown:.1%} has reached the limit of {limit:.1%}.",
    Refusal.NO_SIZE: "The position size of ${budget:,.2f} does not buy one share at ${price:,.2f}.",
}

_NONE, _WEAK, _MAX, _DAILY, _DRAWDOWN = (int(code) for code in list(Refusal)[:5])


@njit(cache=True)
def entry_refusal(
    strength: float, open_positions: int, day_loss: float, equity: float, peak_equity: float, rules: Any
) -> int:
    """The Refusal code for an entry decided now.

    open_positions: positions that are held and not about to be sold, plus ordered entries. day_loss: dollars lost
    since the end of the previous session (negative for a gain). equity, peak_equity: dollars, of the book that the
    strategy trades. rules: core.rules.KernelRules.
    """
    if strength < rules.signal_threshold:
        return _WEAK
    if day_loss >= rules.daily_loss_limit:
        return _DAILY
    if peak_equity > 0.0 and (peak_equity - equity) / peak_equity >= rules.max_drawdown_pct:
        return _DRAWDOWN
    if open_positions >= rules.max_positions:
        return _MAX
    return _NONE
