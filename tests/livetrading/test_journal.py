"""The journal: a line for every state of an order, every fill and every refusal, with its ids."""

import logging
from typing import Any

import pytest
from django.db import transaction

from livetrading import journal
from livetrading.models import LiveStrategy, Order, OrderState
from livetrading.pipeline.execute import execute_order
from tests.livetrading.factories import WALL, make_live_strategy, make_order, make_signal
from tests.livetrading.made_bars import CLOSES
from tests.livetrading.pipeline.scripted_broker import ScriptedBroker, connect, entry_of, fresh, run_reconcile
from tradedesk.accounts.models import User

S = OrderState


class Lines(logging.Handler):
    """The events of the journal, as structlog hands them on."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert isinstance(record.msg, dict)
        self.events.append(record.msg)

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]


@pytest.fixture
def lines(transactional_db: None) -> Any:
    """With real transactions: a line is written at the commit."""
    logger, handler = logging.getLogger(journal.NAME), Lines()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def live() -> LiveStrategy:
    return make_live_strategy(user=User.objects.create_user("alice@example.com", "x"))


def ids(order: Order) -> dict[str, Any]:
    return {
        "order": str(order.pk),
        "client_order_id": order.client_order_id,
        "account_id": order.account_id,
        "live_strategy_id": order.live_strategy_id,
        "user_id": order.user_id,
        "symbol": "AAPL",
        "side": "buy",
    }


def test_every_state_of_an_order_with_its_ids(
    lines: Lines, live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = ScriptedBroker()
    connect(monkeypatch, broker)
    order = entry_of(live, state=S.PENDING)
    execute_order(order.pk, CLOSES[0], WALL)
    broker.report_order(fresh(order), "filled", 100)
    broker.fill(order, 100, 10)
    run_reconcile(live, broker)
    assert [line["state"] for line in lines.of("order")] == ["submitting", "accepted", "filled"]
    (fill,) = lines.of("fill")
    assert (fill["fill"], fill["quantity"], fill["price"]) == ("1", "100", "10")
    for line in lines.of("order") + lines.of("fill"):
        assert {name: line[name] for name in ids(order)} == ids(order)


def test_a_change_that_is_rolled_back_is_not_in_the_journal(lines: Lines, live: LiveStrategy) -> None:
    order = make_order(user=live.user, live_strategy=live)
    with transaction.atomic():
        assert Order.move(order.pk, S.CANCELLED, wall_now=WALL)
        transaction.set_rollback(True)
    assert lines.events == []
    with transaction.atomic():
        assert Order.move(order.pk, S.CANCELLED, wall_now=WALL, reason="By hand.")
        assert lines.events == []
    (line,) = lines.events
    assert (line["state"], line["reason"]) == ("cancelled", "By hand.")


def test_a_move_that_was_not_made_is_not_in_the_journal(lines: Lines, live: LiveStrategy) -> None:
    order = make_order(user=live.user, state=S.FILLED)
    assert not Order.move(order.pk, S.CANCELLED, wall_now=WALL)
    assert not Order.claim(order.pk, "sender", WALL)
    assert lines.events == []


@pytest.mark.parametrize(
    ("state", "level"), [(S.UNKNOWN, "warning"), (S.REJECTED, "warning"), (S.ACCEPTED, "info")]
)
def test_what_a_person_may_have_to_look_at_is_a_warning(
    lines: Lines, live: LiveStrategy, state: OrderState, level: str
) -> None:
    order = make_order(user=live.user, state=S.SUBMITTING)
    assert Order.move(order.pk, state, wall_now=WALL)
    assert [line["level"] for line in lines.events] == [level]


def test_orders_that_are_made_and_signals_that_are_refused(lines: Lines, live: LiveStrategy) -> None:
    order = make_order(user=live.user, live_strategy=live)
    signal = make_signal(live_strategy=live, code="max_positions")
    journal.orders_made([order])
    journal.signals_refused([signal])
    (made,), (refused,) = lines.of("order"), lines.of("refusal")
    assert (made["state"], made["order"]) == ("pending", str(order.pk))
    assert (refused["code"], refused["live_strategy_id"], refused["user_id"]) == (
        "max_positions",
        live.pk,
        live.user_id,
    )
    assert refused["signal"] == signal.pk
