"""What holds after every fault, between the desk and the broker's own books: one order for each executable signal,
fills counted once, cash and lots to the cent, every lot protected, nothing left under way."""

from collections import Counter
from decimal import Decimal

from django.db.models import Q, Sum

from livetrading.models import BrokerAccount, Fill, Incident, Order, OrderState, SignalHistory
from livetrading.models.order import PROTECTIVE, WORKING
from livetrading.models.position import position_model
from livetrading.models.trade import trades_of
from tests.faults.brokers import Books
from tests.livetrading.second_broker.invariants import check_protected
from tradedesk.core.money import DUST

ZERO = Decimal(0)
UNDER_WAY = (OrderState.PENDING, OrderState.SUBMITTING, OrderState.UNKNOWN, OrderState.CANCEL_PENDING)
NEVER_SENT = (OrderState.BLOCKED, OrderState.PENDING, OrderState.WAITING, OrderState.GUARDED, OrderState.CANCELLED)


def broken(account: BrokerAccount, books: Books) -> list[str]:
    """What does not hold, in words; nothing when all is well."""
    account.refresh_from_db()
    with books.lock:
        checks = (_signals, _orders, _fills, _lots, _cash, _protection)
        return [problem for check in checks for problem in check(account, books)]


def _signals(account: BrokerAccount, books: Books) -> list[str]:
    """One order for each executable signal, at the desk and at the broker."""
    problems = [f"more than one order for {known}" for known in books.doubled]
    executable = SignalHistory.objects.filter(
        live_strategy__account=account, outcome=SignalHistory.Outcome.ORDERED
    )
    orders = Counter(account.orders.exclude(signal=None).values_list("signal", flat=True))
    if orders != Counter(executable.values_list("pk", flat=True)):
        problems.append("signals and their orders differ")
    sent = account.orders.exclude(signal=None).exclude(state__in=(*NEVER_SENT, OrderState.REJECTED))
    placed = books.placed
    missing = set(sent.values_list("client_order_id", flat=True)) - placed.keys()
    unknown = placed.keys() - set(account.orders.values_list("client_order_id", flat=True))
    problems += [f"{known} is not at the broker" for known in missing]
    problems += [f"{known} is not an order of the desk" for known in unknown]
    return problems


def _orders(account: BrokerAccount, books: Books) -> list[str]:
    """Nothing is under way, and what ended at the one side has ended at the other."""
    problems = [f"{order.purpose} {order.state}" for order in account.orders.filter(state__in=UNDER_WAY)]
    begun = Q(purpose=Order.Purpose.EXIT) | Q(opening_order__filled_quantity__gt=0)
    waiting = account.orders.filter(begun, state=OrderState.WAITING)
    problems += [f"{order.purpose} of {order.symbol} waits" for order in waiting]
    placed = {known: order for known, order in books.placed.items() if order.is_open}
    ours = account.orders.filter(state__in=(OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED))
    known = set(ours.values_list("client_order_id", flat=True))
    problems += [f"{each} has ended at the broker" for each in known - placed.keys()]
    held = {known for known, order in placed.items() if order.state == "held"}
    problems += [f"{each} works at the broker only" for each in placed.keys() - known - held]
    return problems


def _fills(account: BrokerAccount, books: Books) -> list[str]:
    """Each fill is counted once, and the orders add up to theirs."""
    counting = Fill.objects.filter(account=account, undone_by="")
    ours = Counter(counting.values_list("order__client_order_id", "quantity", "price"))
    theirs = Counter(books.counting)
    problems = [f"lost fill {fill}" for fill in theirs - ours]
    problems += [f"fill too much {fill}" for fill in ours - theirs]
    sums = dict(counting.values_list("order").annotate(Sum("quantity")))
    for order in account.orders.all():
        if order.filled_quantity != sums.get(order.pk, ZERO):
            problems.append(f"{order.purpose} of {order.symbol} has {order.filled_quantity} filled")
    return problems


def _lots(account: BrokerAccount, books: Books) -> list[str]:
    """Lots, positions and totals are what the broker holds."""
    lots: dict[str, Decimal] = {}
    for trade in trades_of(account, account.mode):
        if trade.open_quantity >= DUST:
            lots[trade.symbol] = lots.get(trade.symbol, ZERO) + trade.open_quantity
    held = books.held_shares
    positions = position_model(account)._default_manager.filter(account=account)
    problems = [] if lots == held else [f"lots {lots}, the broker holds {held}"]
    if dict(positions.values_list("symbol", "quantity")) != held:
        problems.append("the positions differ")
    for live in account.live_strategies.all():
        pnl = trades_of(live, account.mode).aggregate(sum=Sum("pnl"))["sum"] or ZERO
        if live.realized_pnl != pnl:
            problems.append(f"{live} has realized {live.realized_pnl}, its lots {pnl}")
    return problems


def _cash(account: BrokerAccount, books: Books) -> list[str]:
    problems = []
    if account.booked_cash is not None and account.booked_cash != books.cash:
        problems.append(f"cash {account.booked_cash}, the broker has {books.cash}")
    kinds = (Incident.Kind.CASH, Incident.Kind.POSITION, Incident.Kind.UNBOOKED_FILL)
    open_ones = account.incidents.filter(kind__in=kinds, resolved_at=None)
    return problems + [f"{incident.kind} is open" for incident in open_ones]


def _protection(account: BrokerAccount, books: Books) -> list[str]:
    """Every open lot has its protective exits, and at the broker no shares are on sale twice."""
    try:
        check_protected(account)
    except AssertionError as error:
        return [str(error)]
    problems = []
    for trade in trades_of(account, account.mode).filter(exit_time=None):
        working = account.orders.filter(opening_order=trade.opening_order, state__in=WORKING)
        for purpose in PROTECTIVE:
            legs = [order for order in working if order.purpose == purpose]
            if len(legs) > 1:
                problems.append(f"{len(legs)} orders {purpose} for {trade}")
    return problems
