"""The steps of one lot: sender, requeue, reconcile, plan, user and broker. Pure.

Every process may act at any time. A step is what no other process can divide: one transaction, or one call of the
broker. A worker that is not held up reads and writes in one step; what happens between the two is what the one
stall is for. A stall lasts longer than every time-out.
"""

from collections.abc import Iterator
from typing import NamedTuple

from livetrading.models.order import SENT, OrderState
from tests.protocol_model.lot import (
    ENDS,
    ENTRY,
    EXIT,
    FLYING,
    GONE,
    NAMES,
    NOTHING,
    OPEN,
    REFUSED,
    STOP,
    Lot,
    Order,
    S,
    Stalled,
    can_move,
)

# Faults, each of which happens once at most.
CRASH, STALL, LOSS, LATE, RESET = 1, 2, 4, 8, 16
TRADING, STOPPED, FLATTENING = 0, 1, 2
# The moves of orders, from -> to, that were ever made.
MOVES: set[tuple[OrderState | None, OrderState]] = set()


class Around(NamedTuple):
    """What a lot's steps depend on besides the lot. mode: what the user has asked for. others_held, others_locked:
    units of the same symbol in the account's other lots. units: of an entry. guards: those that are in place."""

    mode: int
    others_held: int
    others_locked: int
    units: int
    guards: frozenset[str]


class Step(NamedTuple):
    """label: for the trace. lot: after it. fault: what it uses up; the search leaves it out once it has happened.
    kind: "system" for the desk, "broker" for the broker, "entry", "stop" or "exit" when it fills or ends one by
    itself, "user" or "fault"."""

    label: str
    lot: Lot
    kind: str = "system"
    fault: int = 0


def steps(lot: Lot, around: Around) -> Iterator[Step]:
    """Everything that can happen to this lot."""
    yield from _user(lot, around)
    for which in (ENTRY, STOP, EXIT):
        order = lot.order(which)
        if order.state is None:
            continue
        yield from _sender(lot, which, order, around)
        yield from _broker(lot, which, order, around)
        yield from _reconcile(lot, which, order, around)
    yield from _plan(lot, around)
    if lot.stalled is not None:
        yield from _wake(lot, lot.stalled, around)


# --- User ---


def _user(lot: Lot, around: Around) -> Iterator[Step]:
    if lot.entry.state is None and around.mode == TRADING:
        entry = Order(S.PENDING, quantity=around.units)
        yield Step("a signal makes the entry", lot._replace(entry=entry, stop=Order(S.WAITING)), "user")
    if lot.entry.state in (S.PENDING, S.ACCEPTED, S.PARTIALLY_FILLED):
        yield Step("the user cancels the entry", _end(lot, ENTRY, around), "user")
    if lot.open and not lot.exit.works and lot.exit.rests and not _exit_is_stalled(lot):
        wanted = lot._replace(exit=Order(S.WAITING, booked=lot.exit.booked, filled=lot.exit.filled))
        by_desk = around.mode == FLATTENING or (lot.exit.state is not None and "retry" in around.guards)
        yield Step("an exit is wanted", wanted, "system" if by_desk else "user")


def _exit_is_stalled(lot: Lot) -> bool:
    return lot.stalled is not None and lot.stalled.order == EXIT


# --- Sender ---


def _sender(lot: Lot, which: int, order: Order, around: Around) -> Iterator[Step]:
    name = NAMES[which]
    if order.state == S.PENDING:
        yield from _send(lot, which, order, around)
    if order.sender and order.at in (OPEN, GONE, REFUSED):
        yield Step(f"the sender of the {name} records the answer", _record(lot, which, order))
    if order.sender:
        lost = _without_sender(_move(lot, which, S.UNKNOWN), which)
        yield Step(f"the answer to the {name} is lost", lost, "fault", LOSS)
        if order.at == FLYING:
            never = lost.put(which, at=NOTHING)
            yield Step(f"the request for the {name} is lost", never, "fault", LOSS)
    if order.sender:
        yield Step(f"the sender of the {name} crashes", _without_sender(lot, which), "fault", CRASH)
    if order.sender and lot.stalled is None:
        answer = S.REJECTED if order.at == REFUSED else None
        stalled = _without_sender(lot, which)._replace(stalled=Stalled(which, "answer", answer=answer))
        yield Step(f"the sender of the {name} stalls before it records", stalled, "fault", STALL)
    orphan = order.state == S.SUBMITTING and not order.sender
    if orphan and "requeue" in around.guards:
        yield Step(f"requeue finds the {name}", _move(lot, which, S.UNKNOWN))


def _without_sender(lot: Lot, which: int) -> Lot:
    """Nobody waits for the answer any more; a refusal leaves nothing at the broker."""
    at = lot.order(which).at
    return lot.put(which, sender=False, at=NOTHING if at == REFUSED else at)


def _send(lot: Lot, which: int, order: Order, around: Around) -> Iterator[Step]:
    """Claim, ask, gate, look, call: from PENDING to the request."""
    name = NAMES[which]
    claimed = _move(lot, which, S.SUBMITTING).put(which, again=True)
    if lot.stalled is not None and lot.stalled.order == which:
        claimed = claimed._replace(stalled=lot.stalled._replace(valid=False))
    yield Step(f"a sender claims the {name} and crashes", claimed, "fault", CRASH)
    if lot.stalled is None:
        stalled = claimed._replace(stalled=Stalled(which, "check"))
        yield Step(f"a sender claims the {name} and stalls", stalled, "fault", STALL)
    if order.again and "ask" in around.guards and order.at in (OPEN, GONE):
        yield Step(f"a sender finds the {name} at the broker", _record(claimed, which, claimed.order(which)))
    elif which == ENTRY and around.mode != TRADING and "gate" in around.guards:
        blocked = _move(claimed, which, S.BLOCKED)
        if order.at in (OPEN, GONE):
            blocked = blocked._replace(wrong="an entry was blocked although the broker had it")
        yield Step(f"the gate blocks the {name}", blocked)
    else:
        yield Step(f"a sender sends the {name}", _call(claimed, which, around))


def _call(lot: Lot, which: int, around: Around) -> Lot:
    """The request leaves. The broker takes each client_order_id once."""
    at = lot.order(which).at
    if which == ENTRY and around.mode != TRADING:
        lot = lot._replace(wrong="an entry was sent although entries were stopped")
    if at in (FLYING, OPEN, GONE) and "one id" not in around.guards:
        lot = lot._replace(wrong="an order was sent twice")
    return lot.put(which, at=FLYING if at == NOTHING else at, sender=True)


def _record(lot: Lot, which: int, order: Order) -> Lot:
    if order.at == REFUSED:
        return _move(lot, which, S.REJECTED).put(which, at=NOTHING, sender=False)
    return _move(lot, which, S.ACCEPTED).put(which, sender=False)


# --- Broker ---


def _broker(lot: Lot, which: int, order: Order, around: Around) -> Iterator[Step]:
    name = NAMES[which]
    if order.at == FLYING:
        yield from _arrive(lot, which, order, around)
    if order.at != OPEN:
        unfilled = which == ENTRY and order.end in ENDS and order.filled < order.quantity
        if unfilled:
            late = lot.put(which, filled=order.filled + 1)
            yield Step(f"the {name} that had ended is filled after all", late, "fault", LATE)
        if order.late:
            yield Step(f"the late fill of the {name} is reported", lot.put(which, late=0), "broker")
        return
    if order.late:
        yield Step(f"the late fill of the {name} is reported", lot.put(which, late=0), "broker")
    sizes = {1, order.quantity - order.filled} if which == ENTRY else {order.quantity - order.filled}
    for size in sorted(sizes):
        if which != ENTRY and lot.held + around.others_held < size:
            continue
        filled = order.filled + size
        done = filled == order.quantity
        changes = {"filled": filled, "at": GONE if done else OPEN, "end": S.FILLED if done else None}
        yield Step(f"the broker fills {size} of the {name}", lot.put(which, **changes), name)
        if not order.late:
            late = lot.put(which, **changes, late=size)
            yield Step(f"the broker fills {size} of the {name} and reports it late", late, "fault", LATE)
    if order.state == S.CANCEL_PENDING:
        yield Step(f"the broker cancels the {name}", lot.put(which, at=GONE, end=S.CANCELLED), "broker")
    # For the desk, an entry or an exit that is rejected after all is as one that expires.
    for end in (S.REJECTED, S.EXPIRED) if which == STOP else (S.EXPIRED,):
        yield Step(f"the broker lets the {name} be {end}", lot.put(which, at=GONE, end=end), name)


def _arrive(lot: Lot, which: int, order: Order, around: Around) -> Iterator[Step]:
    name = NAMES[which]
    refused = lot.put(which, at=REFUSED if order.sender else NOTHING)
    if lot.stalled is not None and lot.stalled.order == which and lot.stalled.where == "answer":
        refused = refused._replace(stalled=lot.stalled._replace(answer=S.REJECTED))
    yield Step(f"the broker refuses the {name}", refused, "broker")
    if not order.sender:
        yield Step(f"the request for the {name} never arrives", lot.put(which, at=NOTHING), "broker")
    free = lot.held + around.others_held - lot.locked - around.others_locked
    if which == ENTRY or order.quantity - order.filled <= free:
        yield Step(f"the broker takes the {name}", lot.put(which, at=OPEN), "broker")


# --- Reconcile ---


def _reconcile(lot: Lot, which: int, order: Order, around: Around) -> Iterator[Step]:
    name = NAMES[which]
    if order.reported > order.booked:
        yield Step(f"reconcile books the {name}", _book(lot, which, order, around))
        if "cursor" not in around.guards:
            # The cursor is past the fill, and the worker dies before it has booked it.
            lost = lot._replace(wrong="a fill was lost")
            yield Step(f"reconcile crashes before it books the {name}", lost, "fault", CRASH)
    elif order.booked and "unique" not in around.guards and order.booked == order.filled:
        twice = lot._replace(wrong="a fill was booked twice")
        yield Step(f"reconcile books the {name} again", twice)
    look = _look(order)
    seen = _take_over(lot, which, look, around)
    if seen is not None:
        yield Step(f"reconcile takes over the {name}", seen)
    if seen is not None and look in (None, S.ACCEPTED) and lot.stalled is None:
        # How an order has ended stays true, so a pass that stalls with it is as one that begins later.
        stalled = lot._replace(stalled=Stalled(which, "look", answer=seen.order(which).state))
        yield Step(f"reconcile looks at the {name} and stalls", stalled, "fault", STALL)


def _look(order: Order) -> OrderState | None:
    """What the broker says of this order; None when it does not have it."""
    if order.at == OPEN:
        return S.ACCEPTED
    return order.end if order.at == GONE else None


def _book(lot: Lot, which: int, order: Order, around: Around) -> Lot:
    booked = lot.put(which, booked=order.reported)
    if order.is_final and order.state != S.FILLED and "every state" not in around.guards:
        return lot._replace(wrong="a fill was lost")
    full = order.reported == order.quantity
    if full:
        return _move(booked, which, S.FILLED)
    stays = order.state in (S.CANCEL_PENDING, S.CANCELLED, S.EXPIRED, S.REJECTED)
    return booked if stays else _move(booked, which, S.PARTIALLY_FILLED)


def _take_over(lot: Lot, which: int, look: OrderState | None, around: Around) -> Lot | None:
    """Take over what the broker has said; None when it changes nothing."""
    order = lot.order(which)
    if look == S.ACCEPTED and order.state in (S.BLOCKED, S.CANCELLED):
        # Asked again, because the list may be older than the end of the order.
        if "given up" in around.guards and order.at == OPEN:
            return _move(lot, which, S.CANCEL_PENDING)
        return None
    if order.state not in SENT:
        return None
    if look is None:
        if order.state == S.UNKNOWN:
            return _move(lot, which, S.PENDING)
        if order.state == S.CANCEL_PENDING and (order.at == NOTHING or "looks" not in around.guards):
            return _move(lot, which, S.CANCELLED)
        return None
    if "fills first" in around.guards and order.filled > order.booked:
        return None
    if look == S.ACCEPTED and order.state != S.UNKNOWN:
        return None
    return _move(lot, which, look) if can_move(order, look) and order.state != look else None


# --- Plan ---


def _plan(lot: Lot, around: Around) -> Iterator[Step]:
    planned = _planned(lot, around)
    if planned != lot:
        yield Step("protect puts the exits in order", planned)


def _planned(lot: Lot, around: Around) -> Lot:
    """As plan.plan, for one lot."""
    if around.mode == FLATTENING and lot.entry.works:
        lot = _end(lot, ENTRY, around)
    if lot.open <= 0:
        if lot.entry.booked:
            ended = lot.exit.works and lot.entry.is_final
            closed = _end(_end(lot, ENTRY, around), STOP, around)
            return _end(closed, EXIT, around) if ended else closed
        return _end(_end(lot, STOP, around), EXIT, around) if lot.entry.is_final else lot
    if lot.exit.works:
        return _send_exit(lot, around)
    if lot.stop.booked + lot.exit.booked and lot.entry.works:
        lot = _end(lot, ENTRY, around)
    return _protect(lot, around)


def _send_exit(lot: Lot, around: Around) -> Lot:
    if lot.exit.state != S.WAITING:
        return lot
    free = True
    if "free shares" in around.guards:
        for which in (ENTRY, STOP):
            order = lot.order(which)
            if order.works and order.state != S.GUARDED:
                free &= _cancels_to(order, around) == S.CANCELLED
                lot = _end(lot, which, around)
    if not free:
        return lot
    return _move(lot, EXIT, S.PENDING).put(EXIT, quantity=lot.exit.booked + lot.open)


def _protect(lot: Lot, around: Around) -> Lot:
    stop = lot.stop
    wanted = stop.booked + lot.open
    if stop.state in (S.WAITING, S.GUARDED):
        to = S.PENDING
        return _move(lot, STOP, to).put(STOP, quantity=wanted)
    if stop.state == S.PENDING and not stop.again:
        return lot.put(STOP, quantity=wanted)
    if stop.works:
        fits = stop.quantity == wanted or stop.state not in (S.ACCEPTED, S.PARTIALLY_FILLED)
        return lot if fits else _end(lot, STOP, around)
    if "make again" not in around.guards or not stop.rests or _stop_is_stalled(lot):
        return lot
    state = S.GUARDED if stop.state == S.REJECTED else S.PENDING
    made = Order(state, quantity=wanted, filled=stop.filled, booked=stop.booked)
    return lot._replace(stop=made)


def _stop_is_stalled(lot: Lot) -> bool:
    return lot.stalled is not None and lot.stalled.order == STOP


def _end(lot: Lot, which: int, around: Around) -> Lot:
    """As Plan.end."""
    to = _cancels_to(lot.order(which), around)
    return lot if to is None else _move(lot, which, to)


def _cancels_to(order: Order, around: Around) -> OrderState | None:
    """As Order.cancels_to."""
    claimed_before = order.state == S.PENDING and order.again and "claimed before" in around.guards
    if claimed_before or order.state in (S.ACCEPTED, S.PARTIALLY_FILLED):
        return S.CANCEL_PENDING
    return S.CANCELLED if order.state in (S.WAITING, S.GUARDED, S.PENDING) else None


# --- A worker that was held up ---


def _wake(lot: Lot, stalled: Stalled, around: Around) -> Iterator[Step]:
    which, name = stalled.order, NAMES[stalled.order]
    awake = lot._replace(stalled=None)
    order = lot.order(which)
    if stalled.where == "check":
        if "token" in around.guards:
            yield Step(f"the stalled sender of the {name} has lost its claim", awake)
        else:
            yield Step(f"the stalled sender sends the {name}", _call(awake, which, around))
    elif stalled.where == "answer":
        answer = stalled.answer or (S.ACCEPTED if order.at in (OPEN, GONE) else S.UNKNOWN)
        mine = stalled.valid or "record" not in around.guards
        recorded = _move(awake, which, answer) if mine else awake
        yield Step(f"the stalled sender of the {name} has the answer {answer}", recorded)
    elif stalled.where == "look":
        seen = awake if stalled.answer is None else _move(awake, which, stalled.answer)
        yield Step(f"the stalled reconcile takes over the {name}", seen)
    else:
        accepted = awake._replace(wrong="a request of emptied records was accepted")
        arrived = awake if "epoch" in around.guards else accepted
        yield Step(f"a request of the emptied records arrives for the {name}", arrived, "broker")


def _move(lot: Lot, which: int, to: OrderState) -> Lot:
    """As Order.move: nothing happens where the table does not allow it."""
    order = lot.order(which)
    if not can_move(order, to):
        return lot
    MOVES.add((order.state, to))
    return lot.put(which, state=to)
