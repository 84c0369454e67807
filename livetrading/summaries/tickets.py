"""What the order ticket shows beside its fields: the judgement, whose shares can be sold, and when it fills."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import F, Sum

from livetrading.models import BrokerAccount, Order
from livetrading.models.order import OrderType
from livetrading.models.trade import trades_of
from livetrading.pipeline.ticket_judgement import Judgement, judge
from livetrading.pipeline.tickets import Ticket
from livetrading.services.wording import MANUAL
from livetrading.summaries.halt import when_sold
from tradedesk.core import fills
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import NO_STOP_WARNING
from tradedesk.marketdata.sessions import NEW_YORK


@dataclass(frozen=True, slots=True)
class Source:
    """Whose shares: value is that of the form."""

    value: str
    name: str
    shares: Decimal


@dataclass(frozen=True, slots=True)
class TicketPreview:
    """judged: None while the ticket is not complete. sources: who holds shares of the symbol. stop, target: the
    prices of the exits after a fill at the price of the ticket. notes: what to know before the press."""

    judged: Judgement | None
    sources: list[Source]
    stop: Decimal | None
    target: Decimal | None
    notes: list[str]

    @property
    def part_of_equity(self) -> float | None:
        """The value of the position afterwards, as a fraction of the equity."""
        if self.judged is None or (after := self.judged.after) is None or not self.judged.equity:
            return None
        price = self.judged.quote.price
        return None if price is None else float(after.shares) * price / float(self.judged.equity)


def preview_ticket(
    account: BrokerAccount, symbol: str, ticket: Ticket | None, now: datetime, *, ended: bool = False
) -> TicketPreview:
    """A constant number of queries."""
    sources = sources_of(account, symbol)
    if ticket is None:
        return TicketPreview(None, sources, None, None, [])
    judged = judge(account, ticket, now, ended=ended)
    price = None if judged.cost is None else float(judged.cost.price)
    return TicketPreview(
        judged,
        sources,
        None
        if price is None or ticket.stop_loss_pct is None
        else to_decimal(fills.stop_price(price, ticket.stop_loss_pct)),
        None
        if price is None or ticket.take_profit_pct is None
        else to_decimal(fills.target_price(price, ticket.take_profit_pct)),
        _notes(account, judged, now),
    )


def sources_of(account: BrokerAccount, symbol: str) -> list[Source]:
    """Who holds shares of the symbol: the ones bought by hand first. One query."""
    lots = trades_of(account, account.mode).filter(exit_time=None, symbol=symbol)
    held = lots.order_by("live_strategy").values("live_strategy", "live_strategy__name")
    rows = held.annotate(shares=Sum(F("quantity") - F("exit_quantity")))
    found = [
        Source(str(row["live_strategy"] or "manual"), row["live_strategy__name"] or MANUAL, row["shares"])
        for row in rows
    ]
    return sorted(found, key=lambda source: source.name != MANUAL)


def _notes(account: BrokerAccount, judged: Judgement, now: datetime) -> list[str]:
    ticket = judged.ticket
    if ticket.type == OrderType.MARKET:
        notes = [when_sold(account, now)]
    elif ticket.time_in_force == "day":
        notes = [f"Good until {judged.until.astimezone(NEW_YORK):%Y-%m-%d %H:%M} ET."]
    else:
        notes = ["Good for up to 90 days, until you cancel it."]
    if ticket.buys and ticket.stop_loss_pct is None:
        notes.append(NO_STOP_WARNING)
    if not ticket.buys and ticket.type == OrderType.MARKET:
        notes.append("Stops and targets are cancelled for what is sold, and stay for the rest.")
    elif not ticket.buys:
        notes.append(
            "A signal, a halt or a reached stop sells first and ends this order. While it works at a broker, the "
            "desk itself guards the stop and the target of these shares."
        )
    return [note for note in notes if note]


def order_message(orders: list[Order]) -> str:
    """After the press."""
    first = orders[0]
    shares = sum((order.quantity for order in orders), Decimal(0))
    price = "" if first.trigger_price is None else f" at ${first.trigger_price:,.2f}"
    what = f"{first.get_side_display()} {shares.normalize():f} {first.symbol}"
    return f"{what}: {first.get_type_display().lower()} order{price} placed."
