"""Order tickets: what a person asks for, and what it costs and leaves. Pure."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from livetrading.models.order import OrderType, TimeInForce
from livetrading.models.signal import OrderSide
from tradedesk.core import fills
from tradedesk.core.bars import Timeframe
from tradedesk.core.money import PLACES, to_decimal
from tradedesk.core.rules import Costs
from tradedesk.core.sizing import MAX_SHARES, whole_or_fraction
from tradedesk.marketdata import sessions

ZERO = Decimal(0)
TYPES = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP)
TIMES = (TimeInForce.DAY, TimeInForce.GTC)
# How long an order is good that is good till cancelled, as at Alpaca.
LONGEST = timedelta(days=90)
# From this price on, US stocks are quoted in cents, below it in hundredths of a cent.
DOLLAR, HIGHEST = Decimal(1), Decimal(10) ** 7


class Problem(str):
    """Why an order is not placed, as a sentence. code: what holds it back, of which the API answers by some.
    field: of the ticket, where its value is wrong."""

    code: str
    field: str

    def __new__(cls, text: str, code: str, field: str = "") -> "Problem":
        problem = str.__new__(cls, text)
        problem.code, problem.field = code, field
        return problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Either shares or dollars are given. stop_loss_pct, take_profit_pct: of a purchase, fractions of its fill
    price. live_id: the live strategy whose shares are sold; None for those that were bought by hand."""

    symbol: str
    side: str
    type: str = OrderType.MARKET
    shares: Decimal | None = None
    dollars: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: str = TimeInForce.DAY
    stop_loss_pct: float | None = None
    take_profit_pct: float | None = None
    fractional: bool = False
    live_id: int | None = None

    @property
    def buys(self) -> bool:
        return self.side == OrderSide.BUY

    @property
    def price(self) -> Decimal | None:
        """The price that it waits for; None at the market."""
        return self.limit_price if self.type == OrderType.LIMIT else self.stop_price

    def digest(self) -> str:
        """Equal for equal tickets."""
        values = {name: str(value) for name, value in asdict(self).items()}
        for name in ("shares", "dollars", "limit_price", "stop_price"):
            if (amount := getattr(self, name)) is not None:
                values[name] = f"{amount.normalize():f}"
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What the desk knows of a symbol from its bars. price: the last close, None without bars. timeframe: of those
    bars. problem: why there is no entry at this price."""

    price: float | None = None
    volume: float | None = None
    timeframe: str = "1Day"
    problem: str = ""


def value_problems(ticket: Ticket, last: float | None) -> list[Problem]:
    """What is wrong with the ticket itself. last: the last price, None when it is not known."""
    found = []
    if (ticket.shares is None) == (ticket.dollars is None):
        found.append(Problem("Enter either shares or dollars.", "value", "quantity"))
    for amount in (ticket.shares, ticket.dollars):
        if amount is not None and not (amount.is_finite() and 0 < amount < Decimal(MAX_SHARES)):
            found.append(Problem("Enter a number above zero and below a billion.", "value", "quantity"))
        elif amount is not None and amount != round(amount, PLACES):
            found.append(Problem(f"Enter at most {PLACES} decimals.", "value", "quantity"))
    for name, type_ in (("limit_price", OrderType.LIMIT), ("stop_price", OrderType.STOP)):
        price: Decimal | None = getattr(ticket, name)
        if (price is not None) != (ticket.type == type_):
            text = (
                f"A {type_} order needs its price."
                if price is None
                else f"A {ticket.type} order has no such price."
            )
            found.append(Problem(text, "value", name))
        elif price is not None and (text := _price_problem(price)):
            found.append(Problem(text, "value", name))
    if last is not None and ticket.stop_price is not None and not found:
        passed = ticket.stop_price <= to_decimal(last) if ticket.buys else ticket.stop_price >= to_decimal(last)
        if passed:
            where = "above" if ticket.buys else "below"
            text = f"A stop order to {ticket.side} waits {where} the last price of ${last:,.2f}."
            found.append(Problem(text, "value", "stop_price"))
    return found


def _price_problem(price: Decimal) -> str:
    if not price.is_finite() or not 0 < price < HIGHEST:
        return "Enter a price above zero."
    places = 2 if price >= DOLLAR else 4
    return "" if price == round(price, places) else f"Prices have at most {places} decimals here."


def price_of(ticket: Ticket, last: float | None) -> float | None:
    """The price per share that the ticket is valued at: the one it waits for, else the last one."""
    return last if ticket.price is None else float(ticket.price)


def shares_of(ticket: Ticket, price: float) -> Decimal:
    """The shares to order; 0 when the dollars do not pay for one."""
    if ticket.shares is not None:
        return ticket.shares
    return to_decimal(whole_or_fraction(float(ticket.dollars or 0) / price, ticket.fractional))


def collar_price(
    ticket_type: str, limit_price: Decimal | None, decided: float | None, last: float | None
) -> float | None:
    """The price that the collar of the account compares the last one with. A limit below the market and a stop
    wait for their price, so there is nothing to compare."""
    if ticket_type == OrderType.MARKET:
        return decided or last
    if limit_price is not None and last is not None:
        return max(float(limit_price), last)
    return last


def good_until(ticket: Ticket, now: datetime, timeframe: str = "") -> datetime:
    """Until when the order is good: the close of this session, or of the next one where the market is closed.
    timeframe: of the bars that fill it, in the simulation: it is good for the first of them that opens."""
    if ticket.time_in_force == TimeInForce.GTC:
        return now + LONGEST
    dated = timeframe and Timeframe(timeframe).is_dated
    return sessions.next_close(sessions.next_bar_open(now, timeframe) if dated else now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Dollars. amount: shares x price. commission: as estimated. total: what a purchase takes of the buying power,
    or a sale adds to the cash."""

    shares: Decimal
    price: Decimal
    amount: Decimal
    commission: Decimal
    total: Decimal


def cost_of(ticket: Ticket, shares: Decimal, price: float, costs: Costs) -> Cost:
    """A market or stop order pays the slippage of the simulation, a limit order does not."""
    if ticket.type != OrderType.LIMIT:
        slipped = fills.buy_price if ticket.buys else fills.sell_price
        price = slipped(price, costs.slippage_bps)
    commission = to_decimal(
        fills.commission(
            float(shares), price, costs.commission_per_order, costs.commission_per_share, costs.commission_bps
        )
    )
    amount = to_decimal(float(shares) * price)
    total = amount + commission if ticket.buys else amount - commission
    return Cost(shares=shares, price=to_decimal(price), amount=amount, commission=commission, total=total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Shares of a symbol in the account, and what they cost, in dollars."""

    shares: Decimal = ZERO
    cost: Decimal = ZERO

    @property
    def average(self) -> Decimal | None:
        return self.cost / self.shares if self.shares else None

    def after(self, ticket: Ticket, cost: Cost) -> "Holding":
        """When the order is filled at its price."""
        if ticket.buys:
            return Holding(shares=self.shares + cost.shares, cost=self.cost + cost.amount)
        left = max(self.shares - cost.shares, ZERO)
        return Holding(shares=left, cost=left * (self.average or ZERO))
