"""Judge a ticket of an order by hand by the rules of every entry."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from livetrading.brokers.protocol import Asset, Capabilities
from livetrading.models import BrokerAccount, Order, OrderState
from livetrading.models.order import OrderType
from livetrading.models.signal import OrderSide
from livetrading.models.trade import trades_of
from livetrading.pipeline.account_figures import read_figures, read_rules
from livetrading.pipeline.account_rules import Block, ProposedEntry, find_blocks
from livetrading.pipeline.allowance import market_of
from livetrading.pipeline.assets import known_assets
from livetrading.pipeline.gate import gate
from livetrading.pipeline.in_flight import funds_of, read_in_flight
from livetrading.pipeline.tickets import (
    ZERO,
    Cost,
    Holding,
    Problem,
    Quote,
    Ticket,
    collar_price,
    cost_of,
    good_until,
    price_of,
    shares_of,
    value_problems,
)
from livetrading.pipeline.validity import is_stale
from livetrading.services.accounts import NoBroker, broker_for
from tradedesk.core.bars import Timeframe, to_datetime
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import Costs
from tradedesk.marketdata.feed_state import failing_series
from tradedesk.marketdata.library import closed, visible_series
from tradedesk.marketdata.quotes import load_readable

AT_BROKER = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED, OrderState.CANCEL_PENDING)
ENDED = "The replay has ended: no bar follows at which an order could be filled."


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """problems: each rule that holds the order back. until: how long the order is good. cost: None without a
    price. power: the buying power that is left before the order, None when it is not known. held: the shares that
    the account has of the symbol. equity: of the account. blocks: of its own rules."""

    ticket: Ticket
    quote: Quote
    problems: list[Problem]
    until: datetime
    cost: Cost | None = None
    power: Decimal | None = None
    equity: Decimal | None = None
    held: Holding = field(default_factory=Holding)
    fractional: bool = False
    blocks: list[Block] = field(default_factory=list)

    @property
    def after(self) -> Holding | None:
        return None if self.cost is None else self.held.after(self.ticket, self.cost)

    @property
    def power_after(self) -> Decimal | None:
        if self.cost is None or self.power is None:
            return None
        return self.power - self.cost.total if self.ticket.buys else self.power + self.cost.total


def read_quote(user_id: int, symbol: str, now: datetime) -> Quote:
    """By the shortest bars of the symbol that are not too old, which the simulation fills the order from."""
    stored = set(visible_series(user_id).filter(symbol=symbol).order_by().values_list("timeframe", flat=True))
    found: list[Quote] = []
    for timeframe in sorted(stored, key=lambda each: Timeframe(each).minutes):
        history = load_readable(user_id, [symbol], timeframe).get(symbol)
        bars = None if history is None else closed(history, timeframe, now)
        if bars is None or not len(bars):
            continue
        price, volume = market_of(bars)
        problem = ""
        if is_stale(to_datetime(bars.time[-1]), timeframe, now):
            problem = f"The newest bar of {symbol} is too old for an entry: a newer one should have arrived."
        elif failing_series(user_id, {timeframe: [symbol]}):
            problem = f"The market data of {symbol} fails, so there are no entries. The data page says why."
        found.append(Quote(price=price, volume=volume, timeframe=timeframe, problem=problem))
    nothing = Quote(problem=f"There are no bars of {symbol}, so its price is not known.")
    return next((quote for quote in found if not quote.problem), found[-1] if found else nothing)


def judge(account: BrokerAccount, ticket: Ticket, now: datetime, *, ended: bool = False) -> Judgement:
    """What the ticket costs, what it leaves, and everything that holds it back, from what the desk has stored: no
    broker is asked. account: with its user; under its row lock when the order is made. ended: whether the replay
    is over. The number of queries depends only on that of the timeframes of the symbol and of what is held."""
    quote = read_quote(account.user_id, ticket.symbol, now)
    problems = value_problems(ticket, quote.price)
    price = price_of(ticket, quote.price)
    until = good_until(ticket, now, quote.timeframe if account.is_simulation else "")
    try:
        capabilities = broker_for(account, now).capabilities
    except NoBroker as error:
        problems.append(Problem(str(error), "no_broker"))
        return Judgement(ticket=ticket, quote=quote, problems=problems, until=until)
    lots = trades_of(account, account.mode).filter(exit_time=None, symbol=ticket.symbol).order_by()
    rows = list(lots.values_list("live_strategy_id", "quantity", "exit_quantity", "entry_price"))
    held = Holding(
        shares=sum((quantity - sold for _, quantity, sold, _ in rows), ZERO),
        cost=sum(((quantity - sold) * paid for _, quantity, sold, paid in rows), ZERO),
    )
    asset = known_assets(account, [ticket.symbol], now).get(ticket.symbol, Asset())
    in_flight = read_in_flight(account)
    funds = funds_of(account, in_flight, capabilities, _reported(account))
    power = None if funds.buying_power is None else to_decimal(funds.left())
    cost = None
    if price is not None and not problems:
        cost = cost_of(ticket, shares_of(ticket, price), price, costs_of(account))
        if not cost.shares:
            problems.append(Problem(f"That does not pay for one share at ${price:,.2f}.", "value", "quantity"))
    blocks: list[Block] = []
    if ticket.buys:
        verdict = gate(Order.Purpose.ENTRY, account, account.user, None)
        if not verdict.open:
            problems.append(Problem(verdict.reason, str(verdict.held)))
        if ended and account.is_simulation:
            problems.append(Problem(ENDED, "market"))
        if not account.usable:
            text = f"The connection of “{account.name}” has not passed its test: see Settings, Broker accounts."
            problems.append(Problem(text, "account"))
        if quote.problem:
            problems.append(Problem(quote.problem, "data", "symbol" if quote.price is None else ""))
        if asset.problem:
            problems.append(Problem(asset.problem, "untradable", "symbol"))
        if account.equity is None:
            problems.append(Problem("The broker did not report the account's equity.", "equity"))
        problems += _purchase_problems(account, ticket, cost, asset, capabilities)
        if cost is not None and power is not None and cost.total > power:
            text = f"The buying power of ${power:,.2f} does not pay for ${cost.total:,.2f}."
            problems.append(Problem(text, "buying_power"))
        if cost is not None and price is not None and (rules := read_rules(account, now)):
            collar = collar_price(ticket.type, ticket.limit_price, quote.price, quote.price)
            entry = ProposedEntry(ticket.symbol, float(cost.shares) * price, quote.price, collar, quote.volume)
            blocks = list(find_blocks(rules, read_figures(account, in_flight, now), entry))
            problems += [Problem(block.reason, "account_rule") for block in blocks]
    else:
        mine = sum((quantity - sold for live_id, quantity, sold, _ in rows if live_id == ticket.live_id), ZERO)
        if cost is not None and cost.shares > mine:
            problems.append(Problem(_too_many(ticket, mine, held.shares), "shares", "quantity"))
    return Judgement(
        ticket=ticket,
        quote=quote,
        problems=problems,
        until=until,
        cost=cost,
        power=power,
        equity=account.equity,
        held=held,
        fractional=capabilities.fractional and asset.fractionable,
        blocks=blocks,
    )


def _reported(account: BrokerAccount) -> set[str]:
    """The client_order_ids of the purchases that work at the broker, and are older than what it last reported of
    the buying power. One that was sent right after that report counts from the next one on."""
    if account.snapshot_at is None:
        return set()
    at_broker = account.orders.filter(
        purpose=Order.Purpose.ENTRY, state__in=AT_BROKER, created_at__lt=account.snapshot_at
    )
    return set(at_broker.order_by().values_list("client_order_id", flat=True))


def costs_of(account: BrokerAccount) -> Costs:
    """What an order of this account costs, as far as the desk knows: other brokers report fees afterwards."""
    return account.paper_account.costs() if account.is_simulation else Costs()


def _too_many(ticket: Ticket, mine: Decimal, held: Decimal) -> str:
    whose = "were bought by hand" if ticket.live_id is None else "are held by this strategy"
    text = f"{mine.normalize():f} shares of {ticket.symbol} {whose}."
    if held > mine:
        text += f" {(held - mine).normalize():f} more belong to others: choose whose shares to sell."
    return text


def _purchase_problems(
    account: BrokerAccount, ticket: Ticket, cost: Cost | None, asset: Asset, capabilities: Capabilities
) -> list[Problem]:
    """What the broker would not take."""
    found = []
    if cost is not None and cost.shares != cost.shares.to_integral_value():
        if ticket.type != OrderType.MARKET:
            found.append(Problem("Parts of a share are bought at the market only.", "value", "quantity"))
        elif not (capabilities.fractional and asset.fractionable):
            found.append(Problem("The broker takes whole shares of this symbol only.", "value", "quantity"))
    exits = ticket.stop_loss_pct is not None or ticket.take_profit_pct is not None
    if capabilities.refuses_opposite and not exits:
        sales = account.orders.filter(symbol=ticket.symbol, side=OrderSide.SELL, state__in=AT_BROKER)
        if sales.exists():
            text = (
                f"A sale of {ticket.symbol} works at the broker, which takes a purchase besides it only with a "
                "stop loss or a take profit."
            )
            found.append(Problem(text, "opposite"))
    return found
