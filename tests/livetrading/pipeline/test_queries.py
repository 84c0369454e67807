"""The number of queries of a tick depends neither on the number of strategies nor on the number of open lots."""

import math
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from livetrading.models import LiveStrategy, Order, PaperTrade, SignalHistory
from livetrading.pipeline import patience
from livetrading.pipeline.tick import tick
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, open_account, step
from tests.livetrading.pipeline.scripted_broker import ScriptedBroker, connect, entry_of, leg_of, run_reconcile
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.audit.services import record
from tradedesk.core.bars import Bars

CASH = Decimal(1_000_000)
# Sessions before the first signal: the warm-up of all strategies.
WARM_UP = 7


@pytest.fixture(params=["simulation", "scripted"])
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker | None:
    """None: the simulation, whose own queries are counted as well."""
    return connect(monkeypatch, ScriptedBroker(cash=CASH)) if request.param == "scripted" else None


def queries_of_tick(account_id: int, now: datetime, only: tuple[int, ...] = ()) -> int:
    with CaptureQueriesContext(connection) as queries:
        tick(account_id, now, WALL, only=only)
    return len(queries)


def strategies_of(user: User, count: int) -> tuple[int, ...]:
    """Their checks decide about both symbols; their parameters differ, so that each kind runs."""
    for number in range(count):
        parameters = {"entry": 2 + number % 5, "exit": 2}
        make_two_bar_strategy(user, "AAPL", "IBM", parameters=parameters, position_size_pct=0.001)
    return tuple(LiveStrategy.objects.values_list("pk", flat=True))


def bars_of(price: float, *last: float) -> Bars:
    """A constant price, and then these closes from session WARM_UP on."""
    return flat(*[price] * WARM_UP, *last)


def start(user: User) -> int:
    """The id of an account whose first check is done. The audit has its first record, which takes more queries."""
    account = open_account(user, float(CASH)).broker_account_id
    record(user, "start", user, {}, WALL)
    live = make_two_bar_strategy(user, "AAPL")
    tick(account, CLOSES[WARM_UP - 1], WALL, only=(live.pk,))
    live.delete()
    return account


def test_the_number_of_strategies_does_not_matter(alice: User, broker: ScriptedBroker | None) -> None:
    store_bars(AAPL=bars_of(10, 12, 9), IBM=bars_of(50, 60, 40))
    account = start(alice)
    counts = []
    for strategies in (1, 50):
        SignalHistory.objects.all().delete()
        Order.objects.all().delete()
        LiveStrategy.objects.all().delete()
        ids = strategies_of(alice, strategies)
        buys = queries_of_tick(account, CLOSES[WARM_UP], ids)
        assert Order.objects.filter(purpose="entry").count() == 2 * strategies
        assert Order.objects.filter(purpose="stop_loss").count() == 2 * strategies
        sells = queries_of_tick(account, CLOSES[WARM_UP + 1], ids)
        assert SignalHistory.objects.filter(side="sell").count() == 2 * strategies
        nothing_new = queries_of_tick(account, CLOSES[WARM_UP + 1], ids)
        counts.append((buys, sells, nothing_new))
    assert counts[0] == counts[1]


def audit_queries_of_tick(account_id: int, now: datetime, only: tuple[int, ...] = ()) -> list[str]:
    """The first word of each query that concerns the audit."""
    with CaptureQueriesContext(connection) as queries:
        tick(account_id, now, WALL, only=only)
    return [each["sql"].split()[0] for each in queries if "audit_audit" in each["sql"]]


def test_the_audit_adds_three_queries_to_each_transaction_and_none_to_an_idle_tick(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It locks and moves its end, and writes the rows: once for all orders of a check, once for each fill."""
    broker = connect(monkeypatch, ScriptedBroker(cash=CASH))
    store_bars(AAPL=bars_of(10, 12, 12), IBM=bars_of(50, 60, 60))
    account = start(alice)
    ids = strategies_of(alice, 5)
    assert audit_queries_of_tick(account, CLOSES[WARM_UP], ids) == ["SELECT", "UPDATE", "INSERT"]
    assert AuditRecord.objects.filter(action="order_created").count() == Order.objects.count() == 20
    assert audit_queries_of_tick(account, CLOSES[WARM_UP]) == []
    for entry in Order.objects.filter(purpose="entry")[:2]:
        broker.filled(entry, 10)
        broker.report_order(leg_of(entry))
    booking = audit_queries_of_tick(account, CLOSES[WARM_UP])
    fills = AuditRecord.objects.filter(action="fill").count()
    others = AuditRecord.objects.filter(action__in=("order_accepted", "order_filled")).count()
    assert fills == 2
    assert booking == ["SELECT", "UPDATE", "INSERT"] * (fills + others)


def test_the_number_of_open_lots_does_not_matter(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a broker that answers without queries."""
    monkeypatch.setattr(patience, "PATIENCE", math.inf)  # booking 100 fills may take long beside other tests
    broker = connect(monkeypatch, ScriptedBroker(cash=CASH))
    store_bars(AAPL=bars_of(10, 10))
    account = start(alice)
    live = make_two_bar_strategy(alice, "AAPL")
    counts = []
    for lots in (0, 100):
        for _ in range(lots):
            entry = entry_of(live, 1)
            broker.filled(entry, 10)
            broker.report_order(leg_of(entry))
        run_reconcile(live, broker)
        assert PaperTrade.objects.filter(exit_time=None).count() == lots
        LiveStrategy.objects.update(last_bar_time=None, evaluated_bars={})
        now = CLOSES[WARM_UP]
        counts.append((queries_of_tick(account, now), queries_of_tick(account, now, (live.pk,))))
    assert counts[0] == counts[1]


def test_the_number_of_open_lots_does_not_matter_to_the_simulation(alice: User) -> None:
    """Two lots of one strategy, and forty of twenty, with their stops working."""
    store_bars(AAPL=bars_of(10, 12, 13, 14), IBM=bars_of(50, 60, 61, 62))
    account = start(alice)
    counts = []
    for strategies in (1, 19):
        ids = strategies_of(alice, strategies)
        for live in LiveStrategy.objects.filter(orders=None):
            step(live, CLOSES[WARM_UP])
        tick(account, CLOSES[WARM_UP + 1], WALL)
        assert PaperTrade.objects.filter(exit_time=None).count() == 2 * len(ids)
        idle = queries_of_tick(account, CLOSES[WARM_UP + 1])
        LiveStrategy.objects.update(last_bar_time=None, evaluated_bars={})  # so that all are evaluated again
        counts.append((idle, queries_of_tick(account, CLOSES[WARM_UP + 1], ids)))
    assert counts[0] == counts[1]


def test_the_bars_since_the_entry_do_not_matter_to_a_lot_without_exits(alice: User) -> None:
    """Beside a lot with a stop, so that the simulation has something to match."""
    store_bars(AAPL=bars_of(10, 12, *[13] * 20), IBM=bars_of(50, 60, *[61] * 20))
    open_account(alice, float(CASH))
    lives = [
        make_two_bar_strategy(alice, symbol, stop_loss_pct=stop) for symbol, stop in (("AAPL", None), ("IBM", 0.5))
    ]
    for now in CLOSES[WARM_UP - 1 : WARM_UP + 2]:
        for live in lives:
            step(live, now)
    assert set(PaperTrade.objects.values_list("symbol", "stop_price")) == {
        ("AAPL", None),
        ("IBM", Decimal("30.5")),
    }
    account = lives[0].account_id
    counts = [queries_of_tick(account, CLOSES[WARM_UP + days]) for days in (2, 3, 18, 19)]
    assert counts[1] == counts[3]
