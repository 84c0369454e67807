"""Risk: whether an entry is allowed, and the message of each reason why a BUY signal leads to none."""

from enum import IntEnum
from typing import Any, NamedTuple

from tradedesk.core.compiled import njit
from tradedesk.core.sizing import MAX_SHARES


class EntryState(NamedTuple):
    """What the decision on an entry depends on, besides the rules.

    open_positions: positions that are held and not about to be sold, plus ordered entries. day_loss: the most that
    was lost in this session at the close of a bar, in dollars since the end of the previous one (negative for a
    gain). equity, peak_equity: dollars, of the book that the strategy trades. trailing_distance: dollars of a
    trailing stop by ATR, infinity without one (core.fills). bars_since_loss: the symbol's bars since the one in
    which it was last sold at a loss, 0 in that bar; infinity without a loss.
    """

    strength: float
    open_positions: int
    day_loss: float
    equity: float
    peak_equity: float
    trailing_distance: float = float("inf")
    bars_since_loss: float = float("inf")

    @property
    def drawdown(self) -> float:
        """A fraction of the peak; 0 without a peak."""
        return (self.peak_equity - self.equity) / self.peak_equity if self.peak_equity > 0.0 else 0.0


class Refusal(IntEnum):
    """Why a BUY signal leads to no entry; NONE allows it. The compiled kernels use the numbers."""

    NONE = 0
    WEAK_SIGNAL = 1
    MAX_POSITIONS = 2
    DAILY_LOSS = 3
    DRAWDOWN = 4
    NO_SIZE = 5
    TOO_MANY_SHARES = 6
    HELD = 7
    NO_CASH = 8
    NO_BAR = 9
    NO_TRUE_RANGE = 10
    COOLDOWN = 11

    def message(self, **values: object) -> str:
        """The reason as a trader reads it. values: state (EntryState) and rules (KernelRules), where the message
        names them; for NO_SIZE budget and price in dollars; for TOO_MANY_SHARES shares."""
        return _MESSAGES[self].format(**values)


_MESSAGES = {
    Refusal.NONE: "",
    Refusal.WEAK_SIGNAL: (
        "Signal strength {state.strength:.2f} is below the threshold of {rules.signal_threshold:.2f}."
    ),
    Refusal.MAX_POSITIONS: "The limit of {rules.max_positions} open positions is reached.",
    Refusal.DAILY_LOSS: (
        "Today's loss of ${state.day_loss:,.2f} has reached the daily limit of ${rules.daily_loss_limit:,.2f}."
    ),
    Refusal.DRAWDOWN: (
        "The drawdown of {state.drawdown:.1%} has reached the limit of {rules.max_drawdown_pct:.1%}."
    ),
    Refusal.COOLDOWN: (
        "Cooldown: {state.bars_since_loss:.0f} of {rules.cooldown_bars:.0f} bars have closed since the symbol was "
        "sold at a loss."
    ),
    Refusal.NO_TRUE_RANGE: (
        "The trailing stop by ATR needs the range of 15 bars: there are fewer, or their price did not change."
    ),
    Refusal.NO_SIZE: "The position size of ${budget:,.2f} is not enough for one share at ${price:,.2f}.",
    Refusal.TOO_MANY_SHARES: (
        "{shares:,.0f} shares are too many: below "
        f"{MAX_SHARES:,.0f} the desk counts them exactly. Use a smaller position."
    ),
    Refusal.HELD: "The symbol is held already.",
    Refusal.NO_CASH: "The cash does not pay for one share.",
    Refusal.NO_BAR: "No bar follows the signal.",
}

_NONE, _WEAK, _MAX, _DAILY, _DRAWDOWN, _NO_SIZE, _TOO_MANY = (int(code) for code in list(Refusal)[:7])
_NO_TRUE_RANGE, _COOLDOWN = int(Refusal.NO_TRUE_RANGE), int(Refusal.COOLDOWN)
_OFF = float("inf")


@njit(cache=True)
def entry_refusal(state: EntryState, rules: Any) -> int:
    """The Refusal code for an entry decided now. rules: core.rules.KernelRules."""
    if state.strength < rules.signal_threshold:
        return _WEAK
    if state.day_loss >= rules.daily_loss_limit:
        return _DAILY
    if (
        state.peak_equity > 0.0
        and (state.peak_equity - state.equity) / state.peak_equity >= rules.max_drawdown_pct
    ):
        return _DRAWDOWN
    if rules.cooldown_bars < _OFF and state.bars_since_loss < rules.cooldown_bars:
        return _COOLDOWN
    if state.open_positions >= rules.max_positions:
        return _MAX
    if not state.trailing_distance > 0.0:  # NaN for too few bars
        return _NO_TRUE_RANGE
    return _NONE


@njit(cache=True)
def size_refusal(shares: float) -> int:
    """The Refusal code for an order of `shares`, the result of core.sizing.order_quantity."""
    if shares <= 0.0:
        return _NO_SIZE
    return _TOO_MANY if shares >= MAX_SHARES else _NONE
