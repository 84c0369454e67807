"""The order protocol, explored exhaustively: nothing goes wrong in any state that can be reached, every state has
a way out, and without any one guard the search finds how it goes wrong.

docs/decisions/0020 has the size of the searches, and what is left out of the model.
"""

from typing import Any

import pytest

from livetrading.models.order import TRANSITIONS, OrderState
from tests.protocol_model.explore import Search
from tests.protocol_model.guards import ALL, GUARDS
from tests.protocol_model.lot import OPEN
from tests.protocol_model.steps import MOVES

S = OrderState
# One lot with all five faults beside others that do what they like; two lots in full; and fills in parts.
SEARCHES: dict[str, dict[str, Any]] = {
    "all faults": {"lots": 1, "beside": True},
    "two lots": {"lots": 2, "most": 1},
    "parts": {"lots": 1, "units": 2, "most": 1},
}
# What the search finds without each guard: the state that goes wrong, or that has no way out.
FOUND = {
    "ask": "an entry was blocked although the broker had it",
    "token": "an entry was sent although entries were stopped",
    "record": "more was sold than bought",
    "gate": "an entry was sent although entries were stopped",
    "one id": "an order was sent twice",
    "fills first": "more was sold than bought",
    "every state": "a fill was lost",
    "unique": "a fill was booked twice",
    "cursor": "a fill was lost",
    "requeue": "no way out",
    "given up": "an order that was given up stays at the broker",
    "claimed before": "more was sold than bought",
    "looks": "more was sold than bought",
    "free shares": "more was sold than bought",
    "make again": "no way out",
    "retry": "an exit is held back",
    "epoch": "a request of emptied records was accepted",
}
# The moves of the table that the model does not make: it has no exits that travel with their entry, and none that
# the desk guards from the start; a stop and an exit are filled at once; an entry is never blocked unclaimed; no
# order that the broker has is refused.
NOT_IN_THE_MODEL = {
    S.WAITING: {*TRANSITIONS[S.WAITING]} - {S.PENDING, S.CANCELLED},
    S.GUARDED: {S.FILLED, S.PARTIALLY_FILLED},
    S.PENDING: {S.BLOCKED},
    S.SUBMITTING: {S.CANCEL_PENDING, S.CANCELLED, S.EXPIRED},
    S.UNKNOWN: {S.CANCEL_PENDING, S.CANCELLED},
    S.ACCEPTED: {S.CANCELLED},
    S.PARTIALLY_FILLED: {S.PARTIALLY_FILLED, S.CANCELLED, S.REJECTED},
    S.CANCEL_PENDING: {S.PARTIALLY_FILLED},
    S.FILLED: {S.FILLED, S.PARTIALLY_FILLED},
    S.CANCELLED: {S.PARTIALLY_FILLED},
    S.REJECTED: {S.CANCEL_PENDING, S.FILLED, S.PARTIALLY_FILLED},
    S.EXPIRED: {S.PARTIALLY_FILLED},
}


def problem(search: Search) -> str:
    """What the search finds, with the shortest trace to it; "" for nothing."""
    if found := search.run():
        return found
    if trace := search.stuck(lambda lot: True, lambda lot: lot.is_done):
        return f"no way out:\n{trace}"
    if search.lots == 2:
        return ""
    # The stop needs not be filled, and an order that was given up needs neither to be filled nor to expire.
    trace = search.stuck(lambda lot: lot.exit.works and lot.held > 0, lambda lot: lot.held == 0, without="stop")
    if trace:
        return f"an exit is held back:\n{trace}"
    trace = search.stuck(
        lambda lot: lot.entry.is_final and lot.entry.at == OPEN, lambda lot: lot.entry.at != OPEN, without="entry"
    )
    return f"an order that was given up stays at the broker:\n{trace}" if trace else ""


@pytest.mark.parametrize("which", sorted(SEARCHES))
def test_nothing_goes_wrong_in_any_state_and_every_state_has_a_way_out(which: str) -> None:
    search = Search(**SEARCHES[which])
    found = problem(search)
    print(f"{which}: {len(search.states):,} states, {search.transitions:,} transitions, depth {search.depth}")
    assert found == ""
    assert len(search.states) > 30_000, "the search ended early"


@pytest.mark.parametrize("guard", sorted(GUARDS))
def test_without_a_guard_the_search_finds_how_it_goes_wrong(guard: str) -> None:
    found = problem(Search(lots=1, beside=True, most=1, guards=ALL - {guard}))
    what, _, trace = found.partition(":\n")
    assert what == FOUND[guard]
    assert trace.startswith("1. A: a signal makes the entry\n2. ")


def test_the_model_moves_orders_as_the_table_allows_and_leaves_out_only_what_it_says() -> None:
    MOVES.clear()
    Search(lots=1, units=2, most=1).run()
    Search(lots=1, most=2).run()
    allowed = {(state, to) for state, following in TRANSITIONS.items() for to in following}
    left_out = {(state, to) for state, following in NOT_IN_THE_MODEL.items() for to in following}
    assert allowed >= MOVES
    assert allowed - MOVES == left_out
    assert {state for move in MOVES for state in move} == set(OrderState)
