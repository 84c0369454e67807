"""What holds after every step, whatever happens; and what holds once the faults have ended and all is quiet."""

from collections import Counter, defaultdict

from livetrading.brokers.protocol import OrderRequest
from livetrading.models.order import FINAL, OrderState
from livetrading.services.trade_totals import differences
from tests.simulation.database import rows
from tests.simulation.records import START, OrderRow, Records, read, sold_and_bought
from tests.simulation.violation import Violation, insist
from tests.simulation.workers import present
from tests.simulation.world import Desk, World

CENT = 10_000
# A millionth of a share is dust.
DUST = 2
# A protective exit may rest in one of these states.
SETTLED = {OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED, OrderState.GUARDED}
STOPS = ("stop_loss", "trailing_stop")


def check(world: World) -> None:
    """After every step."""
    for desk in world.desks:
        records = read(desk)
        check_fills(records)
        check_lots(records)
        check_cash(records)
        check_intents(records)
        for entry, sold, bought in sold_and_bought(desk):
            insist(sold <= bought + DUST, f"of the lot of {entry} {sold} were sold, but {bought} were bought")
        note_stops(world, desk)


def check_fills(records: Records) -> None:
    """Every fill is booked at most once, as the broker has executed it, and its order has counted it."""
    counted: dict[str, int] = defaultdict(int)
    for activity, order_id, quantity in records.fills:
        insist(activity in records.truth, f"fill {activity} was booked, but never executed")
        executed = records.truth[activity]
        known = records.orders[order_id].client_order_id
        same = (executed.client_order_id, executed.quantity) == (known, quantity)
        insist(same, f"fill {activity} was booked wrongly")
        counted[order_id] += quantity
    twice = [key for key, count in Counter(activity for activity, _, _ in records.fills).items() if count > 1]
    insist(not twice, f"the fills {twice} were booked twice")
    for order in records.orders.values():
        filled = round(order.filled * 1_000_000)
        fits = filled == counted[order.id]
        insist(fits, f"order {order.client_order_id} counts {filled} of {counted[order.id]}")
    both = records.aside & {activity for activity, _, _ in records.fills}
    insist(not both, f"the fills {both} were set aside and booked")


def check_lots(records: Records) -> None:
    """Lots and positions are the sums of the booked fills."""
    bought: dict[str, int] = defaultdict(int)
    sold: dict[str, int] = defaultdict(int)
    for _, order_id, quantity in records.fills:
        order = records.orders[order_id]
        if order.side == "buy":
            bought[order_id] += quantity
        else:
            sold[order.opening or ""] += quantity
    held: dict[str, int] = defaultdict(int)
    for opening, lot in records.lots.items():
        quantity, out = round(lot.quantity * 1_000_000), round(lot.sold * 1_000_000)
        insist((quantity, out) == (bought[opening], sold[opening]), f"the lot {opening} does not add up")
        left = quantity - out
        insist(lot.is_open == (left >= DUST / 2), f"the lot {opening} is open={lot.is_open} with {left}")
        if lot.is_open:
            held[lot.symbol] += left
    missing = bought.keys() - records.lots.keys()
    insist(not missing, f"{missing} were bought without a lot")
    positions = {symbol: quantity for symbol, quantity in held.items() if quantity >= DUST}
    insist(positions == records.positions, f"{positions} are not {records.positions}")


def check_cash(records: Records) -> None:
    """The desk's cash is what its booked fills and activities make of the first cash, and the broker's differs by
    what is not booked yet."""
    if records.booked_cash is None:
        return
    booked = sum(records.truth[activity].amount for activity, _, _ in records.fills)
    by_desk = START + booked + records.paid
    insist(abs(records.booked_cash - by_desk) < CENT, f"cash {records.booked_cash} is not {by_desk}")
    by_broker = START + sum(each.amount for each in records.truth.values()) + records.fees
    insist(abs(records.cash - by_broker) < CENT, f"the broker's cash {records.cash} is not {by_broker}")


def check_intents(records: Records) -> None:
    """One order for one intent: for a signal, for the exit of a lot, and for each protective exit of a lot, where
    a second one may replace the first. One that the broker had lost and has again is being cancelled."""
    orders = [order for order in records.orders.values() if order.client_order_id not in records.revived]
    signals = Counter(order.signal for order in orders if order.signal is not None)
    insist(all(count == 1 for count in signals.values()), "a signal has two orders")
    live: dict[tuple[str, str], list[OrderRow]] = defaultdict(list)
    for order in orders:
        if order.opening is not None and order.works:
            live[order.opening, "stop" if order.purpose in STOPS else order.purpose].append(order)
    for (lot, purpose), found in live.items():
        replaced = {order.replaces for order in found}
        besides = [order for order in found if order.id not in replaced]
        if purpose == "exit":  # those of a part besides
            besides = [order for order in besides if not order.partial]
        allowed = len(besides) <= 1
        insist(allowed, f"the lot {lot} has {len(found)} orders of the purpose {purpose}: {found}")


def note_stops(world: World, desk: Desk) -> None:
    """Note since when entries are stopped, for the check of every entry that is sent."""
    ((halted, account_mode, user_mode),) = rows(
        "SELECT a.entries_stopped_at IS NOT NULL, a.mode, u.mode FROM livetrading_brokeraccount a"
        " JOIN accounts_user u ON u.id = a.user_id WHERE a.id = ?",
        desk.account.pk,
    )
    stopped = {"halt"} if halted else set()
    stopped |= {"mode"} if account_mode != user_mode else set()
    stopped |= {
        f"strategy {live}"
        for (live,) in rows(
            "SELECT id FROM livetrading_livestrategy WHERE account_id = ? AND status <> 'active'", desk.account.pk
        )
    }
    desk.stopped = {reason: desk.stopped.get(reason, world.moment) for reason in stopped}


def check_request(world: World, desk: Desk, request: OrderRequest) -> None:
    """Right before a request leaves: its sender has the last claim, an order that the broker has had since before
    the sender began is not sent again, and no entry is sent that was held back before the sender began."""
    sender, known = present(), request.client_order_id
    insist(sender is not None, f"{known} was sent by nobody")
    began, token = (sender.order_began, sender.token) if sender else (0, "")
    ((state, claim, live),) = rows(
        "SELECT state, sender, live_strategy_id FROM livetrading_order WHERE client_order_id = ?", known
    ) or [("deleted", "", None)]
    if state != "deleted":  # by a reset, which the broker refuses
        insist((state, claim) == ("submitting", token), f"{known} was sent without a claim, when it was {state}")
    arrived = desk.line.arrived.get(known)
    asked = arrived is None or arrived >= began or desk.line.was_hidden(known)
    insist(asked, f"{known} was sent again at moment {world.moment}, although it had arrived at {arrived}")
    if request.side != "buy":
        return
    world.counts["entries sent"] += 1
    note_stops(world, desk)  # what was lifted in this step stops nothing any more
    for reason in ("halt", "mode", f"strategy {live}"):
        since = desk.stopped.get(reason)
        insist(since is None or began <= since, f"entry {known} was sent, although {reason} since {since}")


def check_protected(desk: Desk) -> None:
    """After a tick: every open lot has an order for each of its exits, or its sale is on its way."""
    records = read(desk)
    for lot in (lot for lot in records.lots.values() if lot.is_open):
        own = [order for order in records.orders.values() if order.opening == lot.opening and order.works]
        if any(order.purpose == "exit" or order.type == "market" for order in own):
            continue
        if records.orders[lot.opening].state == "cancel_pending" or _is_aside(records, lot.opening):
            continue
        for purposes, price in ((STOPS, lot.stop), (("take_profit",), lot.target)):
            has = price is None or any(order.purpose in purposes for order in own)
            insist(has, f"the lot {lot.opening} has no {purposes[0]}")


def _is_aside(records: Records, opening: str) -> bool:
    """Whether a fill of this lot is set aside: its absence is said, and nobody knows what the lot holds."""
    orders = {order.client_order_id: order for order in records.orders.values()}
    found = (orders[records.truth[key].client_order_id] for key in records.aside if key in records.truth)
    return any(order.id == opening or order.opening == opening for order in found)


def check_settled(world: World) -> None:
    """Without faults for a while: everything has ended or rests, and both sides agree."""
    for desk in world.desks:
        if why := unsettled(desk):
            raise Violation(f"account {desk.account.pk} does not settle: {why}")
        check_protected(desk)
    wrong = [str(each) for each in differences()]
    insist(not wrong, f"running totals differ from the trades: {wrong}")


def _rests(order: OrderRow, records: Records, *, simulated: bool) -> bool:
    """Whether nothing has to happen to this order. The simulated broker fills at the next bar; others fill at once
    what is at the market."""
    if order.state in FINAL:
        return True
    if simulated and order.type == "market":
        return order.state == OrderState.ACCEPTED
    if simulated and order.state == OrderState.WAITING:
        return order.opening is not None and records.orders[order.opening].state == OrderState.ACCEPTED
    return order.state in SETTLED and order.type != "market"


def unsettled(desk: Desk) -> str:
    """Why this account is not settled; "" when it is."""
    records = read(desk)
    for order in records.orders.values():
        if not _rests(order, records, simulated=desk.broker is None):
            return f"{order.purpose} {order.client_order_id} is {order.state}"
    booked = {activity for activity, _, _ in records.fills}
    ours = {order.client_order_id for order in records.orders.values()}
    lost = [key for key, each in records.truth.items() if key not in booked and each.client_order_id in ours]
    if lost:
        return f"the fills {lost} are not booked"
    if records.booked_cash is not None and abs(records.cash - records.booked_cash) >= CENT:
        return f"the broker has {records.cash} in cash, the desk {records.booked_cash}"
    if desk.broker is not None:
        theirs = {symbol: round(float(each) * 1_000_000) for symbol, each in desk.broker.shares.items() if each}
        if theirs != records.positions:
            return f"the broker holds {theirs}, the desk {records.positions}"
        working = {known for known, placed in desk.broker.orders.items() if placed.is_open}
        known = {order.client_order_id for order in records.orders.values() if order.works}
        if working - known:
            return f"the broker has the orders {working - known}"
    if desk.broker is None and any(order.works and order.type == "market" for order in records.orders.values()):
        return ""  # a halt waits for the sales that the simulated broker fills at the next bar
    ((unfinished,),) = rows(
        "SELECT COUNT(*) FROM livetrading_halt WHERE account_id = ? AND finished_at IS NULL AND lifted_at IS NULL",
        desk.account.pk,
    )
    return f"{unfinished} halts are not finished" if unfinished else ""
