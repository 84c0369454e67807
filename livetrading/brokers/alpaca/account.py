"""The account, its positions and what can be traded, as Alpaca reports them. Pure."""

from decimal import Decimal

from livetrading.brokers.alpaca import words
from livetrading.brokers.alpaca.orders import Row
from livetrading.brokers.alpaca.wire import number, optional, text, word
from livetrading.brokers.protocol import AccountReport, Asset, BrokerPosition

# Characters at the end of an account number that are shown.
SHOWN = 4


def report_of(row: Row, known_number: str) -> AccountReport:
    """known_number: of the account that the desk's records are about; "" when it is not known yet."""
    shorting = row.get("shorting_enabled")
    return AccountReport(
        cash=number(row, "cash"),
        equity=number(row, "equity"),
        buying_power=_own_money(row),
        blocked=_blocked(row, known_number),
        number=word(row, "account_number"),
        status=word(row, "status"),
        shorting=shorting if isinstance(shorting, bool) else None,
    )


def _own_money(row: Row) -> Decimal:
    """What can be bought without borrowing: Alpaca's buying power is up to four times the equity."""
    cash, power = max(number(row, "cash"), Decimal(0)), number(row, "buying_power")
    unborrowed = optional(row, "non_marginable_buying_power")
    return min(cash, power, power if unborrowed is None else unborrowed)


def _blocked(row: Row, known_number: str) -> str:
    """Why the account takes no orders, "" when it does."""
    present = word(row, "account_number")
    if known_number and present and present != known_number:
        return (
            f"The keys now belong to the account …{present[-SHOWN:]}, and the desk's records are of …"
            f"{known_number[-SHOWN:]}: it was reset or exchanged at Alpaca. Add it as a new account."
        )
    if (sentence := words.ACCOUNT_STATUSES.get(word(row, "status"))) is not None:
        return sentence
    flags = {
        "account_blocked": "Alpaca has blocked the account.",
        "trading_blocked": "Alpaca has blocked trading in the account.",
        "trade_suspended_by_user": "Trading is suspended in the account's settings at Alpaca.",
    }
    return next((sentence for name, sentence in flags.items() if row.get(name) is True), "")


def position_of(row: Row) -> BrokerPosition:
    quantity = number(row, "qty")
    is_short = word(row, "side") == "short" and quantity > 0
    price = optional(row, "current_price")
    return BrokerPosition(symbol=text(row, "symbol"), quantity=-quantity if is_short else quantity, price=price)


def asset_of(row: Row) -> Asset:
    """What is not said stops nothing: Alpaca decides on the order."""
    problem = ""
    if word(row, "status") not in ("", "active"):
        problem = "The symbol cannot be traded at Alpaca any more."
    elif row.get("tradable") is False:
        problem = "The symbol cannot be traded at Alpaca now."
    return Asset(problem=problem, fractionable=row.get("fractionable") is not False)
