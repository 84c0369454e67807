"""Orders by hand: judge a ticket by the rules of every entry, and make its order, which a worker sends.

What is bought by hand is a lot of the account without a live strategy. Everything else about it is as of any lot.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.db import transaction

from livetrading.brokers.protocol import Asset, Capabilities
from livetrading.journal import orders_made
from livetrading.models import BrokerAccount, Order, OrderState
from livetrading.models.order import OrderType
from livetrading.models.signal import OrderSide
from livetrading.models.trade import trades_of
from livetrading.pipeline.account_figures import read_figures, read_rules
from livetrading.pipeline.account_rules import Block, ProposedEntry, find_blocks
from livetrading.pipeline.allowance import market_of, note_blocks
from livetrading.pipeline.assets import known_assets
from livetrading.pipeline.gate import gate
from livetrading.pipeline.in_flight import funds_of, read_in_flight
from livetrading.pipeline.protection import exits_of_entry
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
from livetrading.services.closing import NotClosed, close_lots
from livetrading.services.order_audit import made as created
from livetrading.services.queue import enqueue_orders
from livetrading.services.resting_sales import rest_sale
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import Entry, record, record_all
from tradedesk.core.bars import Timeframe, to_datetime
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.marketdata.feed_state import failing_series
from tradedesk.marketdata.library import closed, visible_series
from tradedesk.marketdata.quotes import load_readable

ENDED = "The replay has ended: no bar follows at which an order could be filled."
OTHER_REQUEST = "This key was used for another order. Use a new key."


class NotPlaced(Exception):
    """There is no order; the problems can be shown to a person."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(self.problems))

    @property
    def code(self) -> str:
        """What holds the order back first."""
        return self.problems[0].code


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
    funds = funds_of(account, in_flight, capabilities, ())
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
        at_broker = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED, OrderState.CANCEL_PENDING)
        sales = account.orders.filter(symbol=ticket.symbol, side=OrderSide.SELL, state__in=at_broker)
        if sales.exists():
            text = (
                f"A sale of {ticket.symbol} works at the broker, which takes a purchase besides it only with a "
                "stop loss or a take profit."
            )
            found.append(Problem(text, "opposite"))
    return found


def placed_with_key(account: BrokerAccount, ticket: Ticket, key: str) -> list[Order]:
    """The orders of an earlier request with this key, the first one first. Raises NotPlaced when it was another
    request, also one to another account of the mode."""
    if not key:
        return []
    known = Order.objects.filter(account__user=account.user_id, account__mode=account.mode, close_key=key)
    earlier = list(known.order_by("created_at", "pk"))
    if any((order.account_id, order.request_digest) != (account.pk, ticket.digest()) for order in earlier):
        raise NotPlaced([Problem(OTHER_REQUEST, "key")])
    return earlier


def place(
    account: BrokerAccount,
    ticket: Ticket,
    *,
    by: User,
    now: datetime,
    wall_now: datetime,
    key: str = "",
    ended: bool = False,
) -> list[Order]:
    """Make the order of this ticket: one for a purchase, one for each lot of a sale. A repeated key returns the
    orders of the first request. Raises NotPlaced, and keeps why."""
    try:
        if ticket.buys:
            return _buy(account, ticket, by, now, wall_now, key, ended)
        return _sell(account, ticket, by, now, wall_now, key)
    except NotPlaced as refusal:
        if refusal.code not in ("key", "value"):
            details = {"what": f"{ticket.side} {ticket.symbol}", "reasons": list(map(str, refusal.problems))}
            record(by, "order_refused", account, details, wall_now)
        raise


def _buy(
    account: BrokerAccount, ticket: Ticket, by: User, now: datetime, wall_now: datetime, key: str, ended: bool
) -> list[Order]:
    blocks: list[Block] = []
    try:
        with transaction.atomic():
            # With the row lock, two presses decide one after the other, and no check spends the same money.
            locked = BrokerAccount.locked(account.pk)
            if earlier := placed_with_key(locked, ticket, key):
                return earlier
            judged = judge(locked, ticket, now, ended=ended)
            blocks = judged.blocks
            if judged.problems or judged.cost is None:
                raise NotPlaced(judged.problems or [Problem(judged.quote.problem, "data", "symbol")])
            orders = _entry(locked, judged, judged.cost.shares, now, wall_now)
            orders[0].close_key, orders[0].request_digest = key, ticket.digest()
            Order.objects.bulk_create(orders)
            orders_made(orders)
            bump_version(locked.user_id)
            transaction.on_commit(lambda: enqueue_orders([orders[0].pk]), robust=True)
            what = {"order": str(orders[0].pk), "what": str(orders[0])}
            record_all([Entry(by, "manual_order", locked, what), *created(orders, by)], wall_now)
    except NotPlaced:
        note_blocks(blocks, now)
        raise
    return orders[:1]


def _entry(
    account: BrokerAccount, judged: Judgement, shares: Decimal, now: datetime, wall_now: datetime
) -> list[Order]:
    """The entry and its protective exits, not stored yet."""
    ticket = judged.ticket
    price = price_of(ticket, judged.quote.price) or 0.0
    order_id = uuid.uuid4()
    entry = Order(
        id=order_id,
        client_order_id=Order.client_id_of(order_id),
        user_id=account.user_id,
        account=account,
        symbol=ticket.symbol,
        timeframe=judged.quote.timeframe,
        side=OrderSide.BUY,
        purpose=Order.Purpose.ENTRY,
        type=ticket.type,
        time_in_force=ticket.time_in_force,
        quantity=shares,
        fractional=shares != shares.to_integral_value(),
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        reference_price=to_decimal(price),
        valid_until=judged.until,
        state=OrderState.PENDING,
        created_at=now,
        state_changed_at=wall_now,
    )
    capabilities = broker_for(account, now).capabilities
    rules = RiskRules(stop_loss_pct=ticket.stop_loss_pct, take_profit_pct=ticket.take_profit_pct)
    return [entry, *exits_of_entry(entry, rules, price, capabilities)]


def _sell(
    account: BrokerAccount, ticket: Ticket, by: User, now: datetime, wall_now: datetime, key: str
) -> list[Order]:
    """An exit always goes out: only what is wrong with the ticket, or not held, refuses it."""
    if earlier := placed_with_key(account, ticket, key):
        return earlier
    judged = judge(account, ticket, now)
    shares = ticket.shares if judged.cost is None else judged.cost.shares
    if judged.problems or shares is None:
        raise NotPlaced(judged.problems or [Problem(judged.quote.problem, "data", "symbol")])
    which: dict[str, object] = {"symbol": ticket.symbol, "live_strategy": ticket.live_id}
    return _sell_lots(account, ticket, which, shares, judged.until, by, now, wall_now, key)


def sell_at_limit(
    account: BrokerAccount,
    ticket: Ticket,
    which: Mapping[str, object],
    timeframe: str,
    *,
    by: User,
    now: datetime,
    wall_now: datetime,
    key: str,
) -> list[Order]:
    """Sell the shares of the ticket from the lots with these fields, whoever bought them, once its limit price is
    reached. timeframe: of their bars. A repeated key returns the orders of the first request. Raises NotPlaced."""
    if earlier := placed_with_key(account, ticket, key):
        return earlier
    if problems := value_problems(ticket, None):
        raise NotPlaced(problems)
    until = good_until(ticket, now, timeframe if account.is_simulation else "")
    return _sell_lots(account, ticket, which, ticket.shares or ZERO, until, by, now, wall_now, key)


def _sell_lots(
    account: BrokerAccount,
    ticket: Ticket,
    which: Mapping[str, object],
    shares: Decimal,
    until: datetime,
    by: User,
    now: datetime,
    wall_now: datetime,
    key: str,
) -> list[Order]:
    digest = ticket.digest()
    waiting: dict[str, object] = {"type": ticket.type, "time_in_force": ticket.time_in_force}
    waiting |= {"limit_price": ticket.limit_price, "stop_price": ticket.stop_price, "valid_until": until}
    sell = close_lots if ticket.type == OrderType.MARKET else partial(rest_sale, waiting=waiting)
    try:
        orders = sell(
            account, which, shares, by=by, now=now, wall_now=wall_now, close_key=key, request_digest=digest
        )
    except NotClosed as refusal:
        raise NotPlaced([Problem(str(refusal), "shares", refusal.field)]) from None
    if any(order.request_digest != digest for order in orders if order.close_key and order.close_key == key):
        raise NotPlaced([Problem(OTHER_REQUEST, "key")])
    return orders
