"""The codes of what became of a decision: one word for each reason, for filters, figures and the API."""

from django.db import models


class DecisionCode(models.TextChoices):
    """The outcome of a signal, or of a bar that a check looked at."""

    # A new code is one line here; where risk or the gate refuses, one more in `pipeline/codes.py`.
    ORDERED = "ordered", "Ordered"
    # No entry, because of the strategy's own rules.
    BELOW_THRESHOLD = "below_threshold", "Below the threshold"
    MAX_POSITIONS = "max_positions", "Position limit"
    DAILY_LOSS = "daily_loss", "Daily loss limit"
    DRAWDOWN = "drawdown", "Drawdown limit"
    COOLDOWN = "cooldown", "Cooldown"
    TOO_DEAR = "too_dear", "Too expensive for the size"
    TOO_MANY_SHARES = "too_many_shares", "Too many shares"
    NO_TRUE_RANGE = "no_true_range", "No true range"
    HELD = "held", "Held already"
    NO_CASH = "no_cash", "Not enough cash"
    # No entry, because of the account, the strategy's status or the market.
    ACCOUNT_RULE = "account_rule", "Account rule"
    PAUSED = "paused", "Paused"
    STOPPED = "stopped", "Stopped"
    ERROR = "error", "Error"
    MODE = "mode", "Other mode"
    HALTED = "halted", "Trading halted"
    ACCOUNT_BLOCKED = "account_blocked", "Account blocked"
    NO_EQUITY = "no_equity", "Equity unknown"
    NO_BROKER = "no_broker", "No broker"
    UNTRADABLE = "untradable", "Not tradable"
    NOT_AUTOMATIC = "not_automatic", "Waits for approval"
    DISMISSED = "dismissed", "Dismissed"
    MARKET_CLOSED = "market_closed", "Market closed"
    STALE_DATA = "stale_data", "Stale data"
    LATE = "late", "Too late"
    EXPIRED = "expired", "Expired"
    # No exit.
    NOTHING_TO_SELL = "nothing_to_sell", "Nothing to sell"
    ALREADY_SELLING = "already_selling", "Already selling"
    BOUGHT_AFTER_SIGNAL = "bought_after_signal", "Bought after the signal"
    # An order that ended without a fill.
    REJECTED = "rejected", "Rejected by the broker"
    CANCELLED = "cancelled", "Cancelled"
    # A bar without a signal to act on, and a symbol without a new bar.
    HOLD = "hold", "Hold"
    SUPERSEDED = "superseded", "Replaced by a newer signal"
    NO_NEW_BAR = "no_new_bar", "No new bar"
    NO_BARS = "no_bars", "No bars"


def decision_codes() -> list[tuple[str, str]]:
    """The choices of a column: as a function, so that a new code needs no migration."""
    return DecisionCode.choices
