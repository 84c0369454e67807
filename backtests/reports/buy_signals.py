"""What became of the buy signals of a backtest, as a sentence, and the advice that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass

FILLED = "filled"
# For each outcome of Result.buy_signals: the words after its number, and what would let such signals through. The
# order is that of the sentence.
OUTCOMES = {
    FILLED: ("filled", ""),
    "held": ("already held", ""),
    "weak_signal": ("below the threshold", "Lower the signal threshold to trade on weaker signals."),
    "no_size": (
        "too expensive for a position",
        "Raise the capital or the size of a position, or allow fractional shares.",
    ),
    "too_many_shares": ("for too many shares", "Lower the capital or set a max position size."),
    "no_cash": ("without enough cash", "Lower the position size, so that the cash pays for more positions."),
    "max_positions": ("at the limit of open positions", "Raise the number of positions."),
    "daily_loss": ("at the daily loss limit", "Raise the daily loss limit or switch it off."),
    "drawdown": ("at the max drawdown limit", "Raise the max drawdown limit or switch it off."),
    "cooldown": ("in the cooldown after a loss", "Shorten the cooldown or switch it off."),
    "no_bar": ("with no bar after them", "Choose a later end: a signal is filled in the next bar."),
    "no_true_range": (
        "with too few bars for the trailing stop by ATR",
        "Choose a later start: the trailing stop by ATR needs 15 bars.",
    ),
}
# Where no signal was filled for one reason, the sentence says it in full.
IN_FULL = {"no_size": "one share costs more than a position may be", "no_bar": "no bar follows the signal"}
NO_SIGNALS = "The strategy gives no buy signal in this period. A longer period or other parameters may give some."
NOTHING_CLOSED = "Positions were opened, but none was closed in this period. A longer period may close them."


@dataclass(frozen=True, slots=True)
class BuySignals:
    """sentence: "412 buy signals: 38 filled; 350 already held; 24 below the threshold". advice: what follows when
    no trade was closed, "" if nothing follows."""

    sentence: str
    advice: str


def describe_buy_signals(counts: Mapping[str, int]) -> BuySignals | None:
    """counts: Result.buy_signals, as stored with the backtest; None where it is empty."""
    if not counts:
        return None
    found = {outcome: counts[outcome] for outcome in OUTCOMES if counts.get(outcome)}
    total = sum(counts.values())
    signals = f"{total:,} buy signal{'' if total == 1 else 's'}"
    if not total:
        return BuySignals("No buy signals", NO_SIGNALS)
    if found.get(FILLED):
        return BuySignals(f"{signals}: {_parts(found)}", NOTHING_CLOSED)
    reason = max(found, key=lambda outcome: found[outcome])
    why = IN_FULL.get(reason, OUTCOMES[reason][0]) if len(found) == 1 else _parts(found)
    return BuySignals(f"{signals}, none filled: {why}", OUTCOMES[reason][1])


def _parts(found: Mapping[str, int]) -> str:
    return "; ".join(f"{count:,} {OUTCOMES[outcome][0]}" for outcome, count in found.items())
