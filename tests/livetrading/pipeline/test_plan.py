"""The plan of protection, without a database: whatever the states, it is allowed, sells once and is stable."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.brokers.protocol import BrokerOrder, Capabilities
from livetrading.brokers.simulation.broker import CAPABILITIES as SIMULATION
from livetrading.models import Order, OrderState, PaperTrade
from livetrading.models.order import FINAL, TRANSITIONS, WORKING, OrderType
from livetrading.pipeline.keep_exits import FOR_SALE, RETRY, SOON
from livetrading.pipeline.lot_orders import LotOrders, Market, Plan
from livetrading.pipeline.plan import plan
from livetrading.pipeline.protection import protective_exit
from tests.livetrading.made_bars import CLOSES, NOW, TIMES, traded
from tests.livetrading.second_broker.variants import ATTACHED, GUARDED, REPLACING, SEPARATE, VARIANTS
from tradedesk.core.bars import Bars

S, Purpose = OrderState, Order.Purpose
STOP, TARGET = Decimal(9), Decimal(12)
PRICES = {Purpose.STOP_LOSS: STOP, Purpose.TAKE_PROFIT: TARGET}
SHORTS = replace(REPLACING, sells_short=True)
FALLEN = traded((10, 10, 8, 10))


def entry(state: str = S.FILLED, filled: int = 100) -> Order:
    return Order(
        symbol="W",
        side="buy",
        purpose="entry",
        quantity=Decimal(100),
        filled_quantity=Decimal(filled),
        state=state,
    )


def leg(
    opening: Order, purpose: Order.Purpose = Purpose.STOP_LOSS, state: str = S.ACCEPTED, **fields: Any
) -> Order:
    holder = Order.Holder.DESK if state == S.GUARDED else Order.Holder.BROKER
    values: dict[str, Any] = {"quantity": Decimal(100), "price": PRICES[purpose], "created_at": CLOSES[0]}
    return protective_exit(opening, purpose, fields.pop("holder", holder), state=state, **(values | fields))


def sale(opening: Order, state: str = S.WAITING) -> Order:
    return Order(
        symbol="W", side="sell", purpose="exit", quantity=Decimal(100), opening_order=opening, state=state
    )


def part(opening: Order, quantity: int, state: str = S.WAITING) -> Order:
    """An exit by hand of a part of the lot."""
    order = sale(opening, state)
    order.quantity, order.partial = Decimal(quantity), True
    return order


def resting(opening: Order, quantity: int = 100, state: str = S.WAITING) -> Order:
    """A sale by hand at a limit."""
    order = part(opening, quantity, state)
    order.type, order.limit_price = OrderType.LIMIT, Decimal(13)
    return order


def lot(*orders: Order, opening: Order | None = None, sold: int = 0, **fields: Any) -> LotOrders:
    """A lot with a stop at 9 and a target at 12; opening: its entry, filled with 100 shares by default."""
    opening = opening or (orders[0].opening_order if orders else None) or entry()
    trade = PaperTrade(
        opening_order=opening,
        symbol="W",
        quantity=opening.filled_quantity,
        exit_quantity=Decimal(sold),
        entry_time=TIMES[0],
        entry_price=Decimal(10),
        **({"stop_price": STOP, "target_price": None} | fields),
    )
    legs = [order for order in orders if order.purpose != Purpose.EXIT]
    return LotOrders(opening, trade, legs, [order for order in orders if order.purpose == Purpose.EXIT])


def market(
    capabilities: Capabilities = SEPARATE,
    bars: Bars | None = None,
    working: Mapping[str, BrokerOrder] | None = None,
) -> Market:
    known = {} if bars is None else {("W", "1Day"): bars}
    return Market(capabilities, working or {}, known, CLOSES[2], NOW)


def at_broker(order: Order, quantity: int = 100, filled: int = 0) -> dict[str, BrokerOrder]:
    report = BrokerOrder(
        client_order_id=order.client_order_id,
        broker_order_id="B1",
        state="working",
        quantity=Decimal(quantity),
        filled_quantity=Decimal(filled),
    )
    return {order.client_order_id: report}


def moves(made: Plan) -> list[tuple[str, str]]:
    return [(order.purpose, state) for order, state, _ in made.moves]


# --- One subject at a time ---


def test_a_lot_without_a_live_exit_gets_one() -> None:
    (made,) = plan([lot()], market()).new
    assert (made.purpose, made.state, made.stop_price, made.quantity) == ("stop_loss", "pending", STOP, 100)
    (guarded,) = plan([lot()], market(GUARDED)).new
    assert (guarded.state, guarded.holder) == ("guarded", "desk")


def test_an_order_in_line_with_its_lot_is_left_alone() -> None:
    stop = leg(entry())
    assert not plan([lot(stop)], market(working=at_broker(stop)))


@pytest.mark.parametrize("capabilities", [SEPARATE, REPLACING])
def test_a_quantity_or_price_that_differs_is_replaced_or_cancelled(capabilities: Capabilities) -> None:
    for price, quantity in [(Decimal("9.9"), 100), (STOP, 60)]:
        stop = leg(entry(), price=price)
        made = plan([lot(stop)], market(capabilities, working=at_broker(stop, quantity)))
        if capabilities.replace:
            assert [(new.replaces, new.stop_price, new.quantity) for new in made.new] == [(stop, STOP, 100)]
        else:
            assert moves(made) == [("stop_loss", "cancel_pending")]


def test_a_refused_replacement_leaves_the_order_and_is_tried_again() -> None:
    opening = entry()
    stop = leg(opening, price=Decimal("9.9"))
    refused = leg(opening, state=S.REJECTED, replaces=stop, created_at=CLOSES[2])
    refused.replaces_id = stop.pk
    held, there = lot(stop, refused), market(REPLACING, working=at_broker(stop))
    assert not plan([held], there)
    (again,) = plan([held], replace(there, now=CLOSES[2] + RETRY)).new
    assert (again.replaces, again.stop_price, again.state) == (stop, STOP, "pending")
    # The order holds fewer shares than the lot has: better than none, and tried again sooner.
    fewer = market(REPLACING, working=at_broker(stop, 40))
    assert not plan([held], fewer)
    (again,) = plan([held], replace(fewer, now=CLOSES[2] + SOON)).new
    assert (again.replaces, again.quantity) == (stop, 100)
    held.legs.append(leg(opening, state=S.REJECTED, replaces=stop, created_at=CLOSES[2]))
    assert moves(plan([held], replace(fewer, now=CLOSES[2] + SOON))) == [("stop_loss", "cancel_pending")]
    # The order holds too many shares: they have to be free.
    more = market(REPLACING, working=at_broker(stop, 150))
    assert moves(plan([held], more)) == [("stop_loss", "cancel_pending")]


def test_a_net_is_replaced_also_at_its_own_price() -> None:
    """It came with an entry, whose orders may be for the session alone."""
    net = leg(entry(), holder=Order.Holder.ATTACHED, provisional=True)
    (made,) = plan([lot(net)], market(ATTACHED, working=at_broker(net))).new
    assert (made.replaces, made.stop_price, made.provisional, made.time_in_force) == (net, STOP, False, "gtc")
    made.state = S.ACCEPTED
    assert not plan([lot(made)], market(ATTACHED, working=at_broker(made)))


def test_a_net_whose_price_was_not_accepted_is_tried_soon_and_sold_once_the_price_is_reached() -> None:
    opening = entry()
    net = leg(opening, price=Decimal(7), holder=Order.Holder.ATTACHED, provisional=True)
    refused = leg(opening, state=S.REJECTED, replaces=net, created_at=CLOSES[2])
    held, there = lot(net, refused), market(ATTACHED, working=at_broker(net))
    assert not plan([held], there)
    assert len(plan([held], replace(there, now=CLOSES[2] + SOON)).new) == 1
    fallen = market(ATTACHED, traded((10, 10, 8.9, 8.95)), at_broker(net))
    assert moves(plan([held], fallen)) == [("stop_loss", "cancel_pending")]
    gone = lot(refused)
    (guarded,) = plan([gone], fallen).new
    assert guarded.state == "guarded"
    gone.legs.append(guarded)
    ((sold, state, changes),) = plan([gone], fallen).moves
    assert (sold, state, changes["type"]) == (guarded, "pending", "market")


def test_an_exit_that_is_being_filled_is_not_replaced() -> None:
    opening = entry()
    some = leg(opening, price=Decimal("9.9"), state=S.PARTIALLY_FILLED, filled_quantity=Decimal(40))
    held = lot(some, sold=40)
    assert not plan([held], market(REPLACING, working=at_broker(some, 100, 40)))
    assert moves(plan([held], market(REPLACING, working=at_broker(some, 120, 40)))) == [
        ("stop_loss", "cancel_pending")
    ]
    # Fills that are not booked yet: how much is left is not known.
    assert not plan([held], market(REPLACING, working=at_broker(some, 100, 70)))


def test_a_refused_order_is_guarded_and_tried_at_the_broker_again() -> None:
    opening = entry()
    refused = leg(opening, state=S.REJECTED, created_at=CLOSES[2])
    (guarded,) = plan([lot(refused)], market(REPLACING)).new
    assert (guarded.state, guarded.holder) == ("guarded", "desk")
    held = lot(refused, guarded)
    assert not plan([held], market(REPLACING))
    later = replace(market(REPLACING), now=CLOSES[2] + RETRY)
    ((_, state, changes),) = plan([held], later).moves
    assert (state, changes["holder"]) == ("pending", "broker")
    held.legs.append(leg(opening, state=S.REJECTED, created_at=CLOSES[2]))
    assert not plan([held], later)  # refused twice: the pause is longer


def test_a_price_that_is_the_same_on_the_wire_is_not_replaced() -> None:
    cents = replace(REPLACING, as_sent=lambda price: round(price, 2))
    stop = leg(entry(), price=Decimal("9.001"))
    assert not plan([lot(stop)], market(cents, working=at_broker(stop)))
    assert plan([lot(stop)], market(REPLACING, working=at_broker(stop))).new


def test_the_exits_of_a_group_are_replaced_one_after_the_other() -> None:
    opening = entry()
    stop, target = leg(opening, price=Decimal(8)), leg(opening, Purpose.TAKE_PROFIT, price=Decimal(13))
    there = market(ATTACHED, working=at_broker(stop) | at_broker(target))
    both = lot(stop, target, target_price=TARGET)
    (first,) = plan([both], there).new
    assert first.replaces == stop
    both.legs.append(first)
    assert not plan([both], there)
    both.legs.remove(stop)
    first.state = S.ACCEPTED
    (second,) = plan([both], replace(there, working=at_broker(first) | at_broker(target))).new
    assert second.replaces == target


def test_a_guarded_exit_is_sold_when_a_bar_touches_it_the_stop_first() -> None:
    opening = entry()
    stop, target = leg(opening, state=S.GUARDED), leg(opening, Purpose.TAKE_PROFIT, S.GUARDED)
    both = lot(stop, target, target_price=TARGET)
    assert not plan([both], market(GUARDED, traded((10, 11.99, 9.01, 10))))
    ((order, state, changes),) = plan([both], market(GUARDED, traded((10, 12, 9, 10)))).moves
    assert (order, state, changes["type"], changes["quantity"]) == (stop, "pending", "market", 100)
    ((order, _, _),) = plan([both], market(GUARDED, traded((10, 12, 9.01, 10)))).moves
    assert order == target
    # The sale of the one is on its way: the other is not sold, too, and not ended.
    applied(plan([both], market(GUARDED, traded((10, 12, 9, 10)))), both)
    assert not plan([both], market(GUARDED, traded((10, 12, 9, 10))))


def test_a_refused_sale_of_a_guarded_exit_waits() -> None:
    opening = entry()
    refused = leg(opening, state=S.REJECTED, type="market")
    for age, count in [(RETRY - timedelta(seconds=1), 0), (RETRY, 1)]:
        stop = leg(opening, state=S.GUARDED, created_at=CLOSES[2] - age)
        assert len(plan([lot(refused, stop)], market(GUARDED, traded((10, 10, 8, 10)))).moves) == count


def test_an_exit_is_sent_once_nothing_holds_its_shares() -> None:
    opening = entry()
    held = lot(leg(opening), sale(opening))
    assert moves(plan([held], market())) == [("stop_loss", "cancel_pending")]
    for state in (S.UNKNOWN, S.SUBMITTING, S.CANCEL_PENDING):  # the next tick knows what came of it
        assert not plan([lot(leg(opening, state=state), sale(opening))], market())
    for state in (S.PENDING, S.GUARDED, S.WAITING):
        assert ("exit", "pending") in moves(plan([lot(leg(opening, state=state), sale(opening))], market()))
    assert moves(plan([lot(sale(opening), sale(opening))], market())) == [("exit", "pending")]
    assert not plan([lot(sale(opening, S.ACCEPTED), sale(opening))], market())


def test_an_exit_ends_the_rest_of_its_entry_first() -> None:
    opening = entry(S.PARTIALLY_FILLED, 40)
    assert moves(plan([lot(sale(opening))], market())) == [("entry", "cancel_pending")]
    opening.state = S.CANCEL_PENDING
    assert not plan([lot(sale(opening))], market())
    opening.state = S.CANCELLED
    ((_, state, changes),) = plan([lot(sale(opening))], market()).moves
    assert (state, changes["quantity"]) == ("pending", 40)


def test_an_order_that_was_not_sent_follows_its_lot_and_one_that_was_keeps_its_figures() -> None:
    for attempts, updates in [(0, 1), (1, 0)]:
        stop = leg(entry(), state=S.PENDING, quantity=Decimal(40), attempts=attempts)
        assert len(plan([lot(stop)], market()).updates) == updates


def test_an_attached_exit_of_a_partial_entry_is_left_until_its_price_is_reached() -> None:
    opening = entry(S.PARTIALLY_FILLED, 40)
    stop = leg(opening, price=Decimal("9.9"), holder=Order.Holder.ATTACHED)
    part = lot(stop)
    here = market(ATTACHED, traded((10, 10, 9.01, 10)), at_broker(stop))
    assert not plan([part], here)
    reached = replace(here, bars={("W", "1Day"): traded((10, 10, 9, 10))})
    assert moves(plan([part], reached)) == [("entry", "cancel_pending")]


def test_the_exits_of_a_closed_lot_and_the_rest_of_its_entry_are_ended() -> None:
    opening = entry(S.PARTIALLY_FILLED, 40)
    closed = LotOrders(opening, None, [leg(opening), leg(opening, state=S.GUARDED)], [sale(opening)])
    assert moves(plan([closed], market())) == [
        ("entry", "cancel_pending"),
        ("stop_loss", "cancel_pending"),
        ("stop_loss", "cancelled"),
    ]


# --- Shares that have left the account ---


def test_a_sale_asks_for_no_more_than_the_broker_has() -> None:
    opening = entry()
    stop = leg(opening, quantity=Decimal(60))
    here = replace(market(SHORTS, working=at_broker(stop, 60)), held={"W": Decimal("60.5")})
    fewer = replace(here, short_of=["W"])
    # The stop is for what is there, and made for no more than that.
    assert not plan([lot(stop)], fewer)
    assert plan([lot(stop)], here).new[0].quantity == 100
    assert plan([lot()], fewer).new[0].quantity == 60
    ((_, _, changes),) = plan([lot(sale(opening))], fewer).moves
    assert changes["quantity"] == 60
    ((_, _, changes),) = plan([lot(part(opening, 70))], fewer).moves
    assert (changes["quantity"], changes["partial"]) == (60, False)
    guarded = leg(opening, state=S.GUARDED)
    ((_, _, changes),) = plan([lot(guarded)], replace(fewer, bars=market(bars=FALLEN).bars)).moves
    assert changes["quantity"] == 60
    # Less than a share of a lot of whole ones: nothing can be sold.
    assert not plan([lot()], replace(fewer, held={"W": Decimal("0.5")}))
    assert not plan([lot()], replace(fewer, held={"W": Decimal(-5)}))
    # Another broker decides for itself.
    assert plan([lot()], replace(fewer, capabilities=REPLACING)).new[0].quantity == 100


# --- A part of a lot ---


def test_a_part_is_sent_once_the_stop_holds_the_rest_alone() -> None:
    opening = entry()
    stop, some = leg(opening), part(opening, 40)
    # Cancelled and made again, where it cannot be replaced.
    assert moves(plan([lot(stop, some)], market(working=at_broker(stop)))) == [("stop_loss", "cancel_pending")]
    made = plan([lot(some)], market())
    assert (moves(made), [new.quantity for new in made.new]) == ([("exit", "pending")], [60])
    # Replaced: the sale waits for the answer.
    made = plan([lot(stop, some)], market(REPLACING, working=at_broker(stop)))
    assert (moves(made), [(new.replaces, new.quantity) for new in made.new]) == ([], [(stop, 60)])
    smaller = leg(opening, quantity=Decimal(60))
    assert not plan([lot(stop, smaller, some)], market(REPLACING, working=at_broker(stop))).moves
    assert moves(plan([lot(smaller, some)], market(REPLACING, working=at_broker(smaller, 60)))) == [
        ("exit", "pending")
    ]
    # Nothing is held at the broker.
    guarded = leg(opening, state=S.GUARDED)
    made = plan([lot(guarded, some)], market(GUARDED))
    assert (moves(made), made.updates[0][1]["quantity"]) == ([("exit", "pending")], 60)


@pytest.mark.parametrize("state", [S.SUBMITTING, S.UNKNOWN, S.CANCEL_PENDING])
def test_a_part_waits_for_a_stop_whose_answer_is_open(state: str) -> None:
    opening = entry()
    assert not plan([lot(leg(opening, state=state), part(opening, 40))], market()).moves


def test_a_part_ends_the_rest_of_its_entry_first() -> None:
    opening = entry(S.PARTIALLY_FILLED, 80)
    assert ("entry", "cancel_pending") in moves(plan([lot(part(opening, 40))], market()))
    opening.state = S.CANCEL_PENDING
    assert ("exit", "pending") not in moves(plan([lot(part(opening, 40))], market()))


def test_a_part_that_is_all_that_is_left_is_the_whole_lot() -> None:
    opening = entry()
    held = lot(leg(opening), part(opening, 40), sold=60)
    assert moves(plan([held], market())) == [("stop_loss", "cancel_pending")]
    ((_, state, changes),) = plan([lot(part(opening, 40), sold=70)], market()).moves
    assert (state, changes) == ("pending", {"quantity": 30, "partial": False})


def test_an_exit_of_the_whole_lot_ends_the_sale_of_a_part_first() -> None:
    opening = entry()
    for state in (S.WAITING, S.PENDING):
        made = plan([lot(part(opening, 40, state), sale(opening))], market())
        assert moves(made) == [("exit", "cancelled"), ("exit", "pending")]
        assert made.moves[1][2]["quantity"] == 100
    assert moves(plan([lot(part(opening, 40, S.ACCEPTED), sale(opening))], market())) == [
        ("exit", "cancel_pending")
    ]
    for state in (S.SUBMITTING, S.UNKNOWN, S.CANCEL_PENDING):
        assert not plan([lot(part(opening, 40, state), sale(opening))], market())


def test_a_guarded_stop_that_is_reached_ends_the_sale_of_a_part_first() -> None:
    opening = entry()
    stop = leg(opening, state=S.GUARDED)
    here = market(GUARDED, traded((10, 10, 8, 10)))
    assert moves(plan([lot(stop, part(opening, 40, S.ACCEPTED))], here)) == [("exit", "cancel_pending")]
    made = plan([lot(stop, part(opening, 40))], here)
    assert moves(made) == [("exit", "cancelled"), ("stop_loss", "pending")]
    assert made.moves[1][2]["quantity"] == 100


def test_a_broker_that_keeps_its_attached_exits_in_line_is_left_alone() -> None:
    opening = entry()
    stop = leg(opening, holder=Order.Holder.ATTACHED)
    assert not plan([lot(stop, part(opening, 40, S.ACCEPTED))], market(SIMULATION))
    made = plan([lot(stop, part(opening, 40, S.ACCEPTED), sale(opening))], market(SIMULATION))
    assert moves(made) == [("exit", "cancel_pending")]
    assert moves(plan([lot(stop, sale(opening))], market(SIMULATION))) == [("exit", "pending")]


def test_a_sale_that_waits_for_a_price_gets_the_shares_and_the_desk_guards_the_exits() -> None:
    opening = entry()
    stop, sold = leg(opening), resting(opening)
    assert moves(plan([lot(stop, sold)], market(working=at_broker(stop)))) == [("stop_loss", "cancel_pending")]
    made = plan([lot(sold)], market())
    (guard,) = made.new
    assert (guard.state, guard.holder, guard.quantity, guard.reason) == (S.GUARDED, "desk", 100, FOR_SALE)
    assert moves(made) == [("exit", "pending")]
    assert "quantity" not in made.moves[0][2]
    sold.state = S.ACCEPTED
    assert not plan([lot(guard, sold)], market())


def test_sales_that_wait_for_a_price_are_sent_with_what_a_stop_has_left_of_the_lot() -> None:
    opening = entry()
    first, second = resting(opening, 50), resting(opening, 50)
    made = plan([lot(first, second, sold=70)], market())
    assert [(order, state, changes.get("quantity")) for order, state, changes in made.moves] == [
        (first, S.PENDING, 30),
        (second, S.CANCELLED, None),
    ]


def test_the_exits_stay_with_the_desk_until_a_sale_that_waits_has_ended() -> None:
    opening = entry()
    guard, sold = leg(opening, state=S.GUARDED, reason=FOR_SALE), resting(opening, 100, S.ACCEPTED)
    made = plan([lot(guard, sold, part(opening, 20))], market())
    assert moves(made) == [("exit", "cancel_pending")]


def test_when_the_sale_has_ended_the_exits_return_to_the_broker() -> None:
    guard = leg(entry(), state=S.GUARDED, reason=FOR_SALE)
    assert moves(plan([lot(guard)], market())) == [("stop_loss", "pending")]
    assert plan([lot(guard)], market()).moves[0][2]["reason"] == ""
    assert not plan([lot(leg(entry(), state=S.GUARDED))], market())  # another reason


def test_every_other_sale_ends_one_that_waits_for_a_price() -> None:
    opening = entry()
    guard, sold = leg(opening, state=S.GUARDED, reason=FOR_SALE), resting(opening, 40, S.ACCEPTED)
    assert moves(plan([lot(guard, sold, sale(opening))], market())) == [("exit", "cancel_pending")]
    assert ("exit", "cancel_pending") in moves(plan([lot(guard, sold, part(opening, 30))], market()))
    assert moves(plan([lot(guard, sold)], market(bars=FALLEN))) == [("exit", "cancel_pending")]
    waiting = resting(opening, 40)
    made = plan([lot(guard, waiting)], market(bars=FALLEN))
    assert moves(made) == [("exit", "cancelled"), ("stop_loss", "pending")]
    assert made.moves[1][2]["quantity"] == 100


@pytest.mark.parametrize("state", [S.SUBMITTING, S.UNKNOWN, S.CANCEL_PENDING])
def test_a_sale_that_waits_for_a_price_waits_for_a_stop_whose_answer_is_open(state: str) -> None:
    opening = entry()
    assert not plan([lot(leg(opening, state=state), resting(opening))], market()).moves


def test_the_simulation_keeps_its_exits_beside_a_sale_that_waits() -> None:
    opening = entry()
    stop = leg(opening, holder=Order.Holder.ATTACHED)
    assert not plan([lot(stop, resting(opening, 40, S.ACCEPTED))], market(SIMULATION))


# --- Whatever the states ---

STATES = st.sampled_from([state for state in S if state not in FINAL] + [S.REJECTED])

# Only a protective exit is guarded.
SALES = st.sampled_from([state for state in WORKING if state != S.GUARDED])


@st.composite
def lots(draw: st.DrawFn) -> LotOrders:
    ended = draw(st.booleans())
    filled = 100 if ended else draw(st.integers(0, 99))
    opening = entry(S.FILLED if ended else draw(st.sampled_from([S.PARTIALLY_FILLED, S.CANCEL_PENDING])), filled)
    orders = [
        leg(
            opening,
            purpose,
            draw(STATES),
            price=draw(st.sampled_from([PRICES[purpose], PRICES[purpose] + Decimal("0.5")])),
            quantity=Decimal(draw(st.integers(1, 100))),
            holder=draw(st.sampled_from(Order.Holder)),
            attempts=draw(st.integers(0, 1)),
        )
        for purpose in PRICES
        if draw(st.booleans())
    ]
    if draw(st.booleans()):
        orders.append(sale(opening, draw(st.sampled_from([S.WAITING, S.PENDING, S.ACCEPTED]))))
    if draw(st.booleans()):
        orders.append(part(opening, draw(st.integers(1, 100)), draw(SALES)))
    if draw(st.booleans()):
        orders.append(resting(opening, draw(st.integers(1, 100)), draw(SALES)))
    made = lot(*orders, opening=opening, sold=draw(st.integers(0, max(filled - 1, 0))), target_price=TARGET)
    made.trade = made.trade if filled else None
    return made


def applied(made: Plan, to: LotOrders) -> LotOrders:
    """The lot after this plan was carried out."""
    changes = [(order, {"state": state, **fields}) for order, state, fields in made.moves] + made.updates
    for order, fields in changes:
        for name, value in fields.items():
            setattr(order, name, value)
    legs = [order for order in (*to.legs, *made.new) if order.state in (*WORKING, S.REJECTED)]
    return LotOrders(to.entry, to.trade, legs, [order for order in to.exits if order.state in WORKING])


@given(lots(), st.sampled_from(list(VARIANTS.values())), st.sampled_from([9.5, 8.0]), st.integers(1, 100))
def test_a_plan_is_allowed_sells_once_and_comes_to_an_end(
    lot_orders: LotOrders, capabilities: Capabilities, low: float, shares: int
) -> None:
    working = {name: report for order in lot_orders.legs for name, report in at_broker(order, shares).items()}
    here = market(capabilities, traded((10, 10, low, 10)), working)
    for _ in range(3):
        made = plan([lot_orders], here)
        assert len({id(order) for order, _, _ in made.moves}) == len(made.moves)
        assert all(state in TRANSITIONS[S(order.state)] for order, state, _ in made.moves)
        lot_orders = applied(made, lot_orders)
        check(made, lot_orders, working)
    assert not plan([lot_orders], here)


def check(made: Plan, after: LotOrders, working: dict[str, BrokerOrder]) -> None:
    """One sale of the lot at a time, of the shares that are held, and an exit for every price; a sale of a part
    leaves the rest to the protective exits. working: what the broker says of them; it may have reduced one."""

    def held_by(order: Order) -> Decimal:
        there = working.get(order.client_order_id)
        return order.open_quantity if there is None else min(order.open_quantity, there.quantity)

    live = [order for order in after.legs if order.state in WORKING]
    held = after.trade.open_quantity if after.trade else Decimal(0)
    parts = sum((order.open_quantity for order in after.parts), Decimal(0))
    to_send = [order for order, state, _ in made.moves if state == S.PENDING]
    for order in to_send:
        if order.rests:  # nothing else has its shares
            assert all(leg.state == S.GUARDED for leg in live)
            assert after.entry.state in FINAL
            assert not after.parts
            assert not after.wholes
    for order in (*made.new, *to_send):
        if order.state == S.GUARDED and after.resting and not after.parts:
            assert order.quantity == held + order.filled_quantity
        elif order not in after.parts and not order.rests:
            shares = held if order.type == "market" else held - parts
            assert order.quantity == shares + order.filled_quantity
    sales = [order for order in to_send if order.type == "market"]
    assert len(sales) <= 1
    if sales and sales[0] in after.parts:
        assert all(order.state == S.GUARDED or held_by(order) <= held - parts for order in live)
        assert after.entry.state in FINAL
    elif sales:  # nothing else has its shares, and none come
        assert all(order in sales or order.state == S.GUARDED for order in live)
        assert after.entry.state in FINAL
        assert not after.parts
    # A guarded exit whose price was reached waits for a sale by hand whose answer is open.
    awaited = any(order.state in (S.SUBMITTING, S.UNKNOWN, S.CANCEL_PENDING) for order in after.exits)
    sold = awaited or after.wholes or after.reached or after.entry.state == S.CANCEL_PENDING
    for purpose in PRICES:
        own = [order for order in live if order.purpose == purpose]
        assert len(own) <= 2
        assert own or sold or not after.trade
