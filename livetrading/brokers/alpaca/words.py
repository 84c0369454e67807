"""What Alpaca's words mean to the desk. The one table; a word that is not in it stops nothing. Pure."""

# States of orders. One that is done for the day, or calculated, may go on the next day.
ORDER_STATES = {
    "accepted": "working",
    "accepted_for_bidding": "working",
    "calculated": "working",
    "done_for_day": "working",
    "held": "working",
    "new": "working",
    "partially_filled": "working",
    "pending_cancel": "working",
    "pending_new": "working",
    "pending_replace": "working",
    "stopped": "working",
    "suspended": "working",
    "filled": "filled",
    "canceled": "cancelled",
    "replaced": "cancelled",
    "expired": "expired",
    "rejected": "rejected",
}
# A second cancellation would be refused.
BEING_CANCELLED = "pending_cancel"
# Why an order has ended, where its state says so: orders have no field for a reason.
ENDS = {
    "expired": "Alpaca let the order expire at the end of its session.",
    "rejected": "Alpaca rejected the order after it had accepted it.",
    "replaced": "Replaced by another order.",
}

# What the entries of the list of trades are: a fill, or a change of an earlier one.
TRADES = {
    "": "fill",
    "fill": "fill",
    "partial_fill": "fill",
    "trade_bust": "bust",
    "trade_correct": "correction",
}
# Types of the other activities.
ACTIVITY_KINDS = {
    "FEE": "fee",
    "CFEE": "fee",
    "PTC": "fee",
    "PTR": "fee",
    "DIV": "dividend",
    "DIVCGL": "dividend",
    "DIVCGS": "dividend",
    "DIVFEE": "dividend",
    "DIVFT": "dividend",
    "DIVNRA": "dividend",
    "DIVROC": "dividend",
    "DIVTW": "dividend",
    "DIVTXEX": "dividend",
    "CGD": "dividend",
    "INT": "interest",
    "INTNRA": "interest",
    "INTTW": "interest",
    "SPLIT": "split",
    "ACATC": "transfer",
    "ACATS": "transfer",
    "CSD": "transfer",
    "CSW": "transfer",
    "FOPT": "transfer",
    "JNL": "transfer",
    "JNLC": "transfer",
    "JNLS": "transfer",
    "OCT": "transfer",
    "TRANS": "transfer",
}
SPLIT = "SPLIT"
# Activities that can be two: of a reverse split or a symbol change, the shares that went and those that came.
PAIRS = (SPLIT, "NC")
# Activities that were taken back.
VOID = ("canceled",)

# Why an account with this status takes no orders.
ACCOUNT_STATUSES = {
    "ACCOUNT_CLOSED": "Alpaca has closed the account.",
    "ACCOUNT_CLOSED_PENDING": "Alpaca is closing the account.",
    "ACCOUNT_UPDATED": "Alpaca is reviewing a change of the account's personal data.",
    "ACTION_REQUIRED": "Alpaca needs something from you before the account can trade: log in there.",
    "APPROVAL_PENDING": "Alpaca has not approved the account yet.",
    "APPROVED": "Alpaca has approved the account, but not opened it yet.",
    "INACTIVE": "The account is not active at Alpaca.",
    "ONBOARDING": "The account is not open at Alpaca yet.",
    "REJECTED": "Alpaca has rejected the application for the account.",
    "SUBMISSION_FAILED": "The application for the account has failed at Alpaca.",
    "SUBMITTED": "Alpaca has not approved the account yet.",
}

# Parts of Alpaca's refusals, in small letters, and what they mean to a trader. The first one that fits counts.
_REFUSALS = (
    (
        "wash trade",
        "Alpaca takes no order that could trade with another open one of the account (wash-trade rule).",
    ),
    ("position intent mismatch", "The account does not hold the shares: it would have been a short sale."),
    ("insufficient qty", "Other orders at Alpaca hold the shares, or the account does not have them."),
    ("insufficient buying power", "The buying power at Alpaca does not pay for the order."),
    (
        "insufficient day trading buying power",
        "The buying power for day trades at Alpaca does not pay for the order.",
    ),
    ("minimal amount of order", "Alpaca buys for at least $1."),
    ("sub-penny", "The price has more decimals than Alpaca takes."),
    ("not fractionable", "Alpaca sells only whole shares of this symbol."),
    ("fractional orders must be day", "Alpaca takes parts of a share only in orders for the day."),
    ("fractional orders must be simple", "Alpaca takes no attached exits for parts of a share."),
    ("fractional orders cannot be replaced", "Alpaca replaces no orders for parts of a share."),
    ("fractional orders cannot be sold short", "Alpaca sells no parts of a share short."),
    ("is not tradable", "The symbol cannot be traded at Alpaca now."),
    ("is not active", "The symbol cannot be traded at Alpaca any more."),
    ("not found", "Alpaca does not know the symbol."),
    ("could not find asset", "Alpaca does not know the symbol."),
    ("limit up", "The price is beyond the limits of a volatility pause (LULD)."),
    ("limit down", "The price is beyond the limits of a volatility pause (LULD)."),
    ("luld", "The price is beyond the limits of a volatility pause (LULD)."),
    ("halt", "Trading in the symbol is halted."),
    ("cannot be sold short", "The symbol cannot be sold short at Alpaca."),
    ("not allowed to short", "The account may not sell short at Alpaca."),
    ("rejected by user request", "You have suspended trading in the account's settings at Alpaca."),
    ("not allowed to trade", "Alpaca has blocked trading in the account."),
    ("stop price must be less", "The price is below the stop already."),
    ("stop price must not be", "The price has passed the stop already."),
    ("stop_loss.stop_price must be", "The price is below the stop already."),
    ("take_profit.limit_price must be", "The price is above the target already."),
    (
        "opg orders are not accepted",
        "Alpaca takes orders for the opening auction only from 19:00 to 9:28 in New York.",
    ),
    ("extended hours order must be", "Outside the session Alpaca takes only limit orders."),
    ("parameters are not changed", "Alpaca has the order at this price already."),
    ("not fully replaced", "Alpaca is still replacing another exit of the same entry."),
    ("cannot replace order", "Alpaca cannot replace the order in its current state."),
    ("order is already in", "The order has ended at Alpaca already."),
    ("pattern day trad", "Alpaca refuses the order by its rule for day traders."),
)
NOT_UNIQUE = "must be unique"


def state_of(word: str) -> str:
    """The state of an order for the desk; "unknown" for a word that is not in the table."""
    return ORDER_STATES.get(word, "unknown")


def kind_of(activity_type: str) -> str:
    return ACTIVITY_KINDS.get(activity_type, "other")


def refusal(message: str, other: str = "") -> str:
    """The sentence for a refusal, with Alpaca's own words. other: Alpaca's id of the order in the way."""
    small = message.lower()
    sentence = next((text for part, text in _REFUSALS if part in small), "")
    if sentence and other:
        sentence += f" It is {other}: if the desk does not show it, cancel it at Alpaca."
    if sentence:
        return f"{sentence} (Alpaca: {message})"
    return f"Alpaca refused the order: {message}" if message else "Alpaca refused the order without a reason."
