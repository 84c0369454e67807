"""Figures of trading for Prometheus: due checks, orders, fills, refusals, accounts. Counts over the whole desk."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet
from prometheus_client.core import CounterMetricFamily, Metric

from livetrading.models import BrokerAccount, Fill, Incident, LiveStrategy, Order, SignalHistory
from livetrading.models.account import FAILING
from livetrading.services.overdue import due_checks
from livetrading.services.stuck import stuck_orders
from tradedesk.marketdata.clock import market_clock, market_status
from tradedesk.monitoring.metrics import gauge, gauges


def trading_metrics(wall_now: datetime) -> Iterator[Metric]:
    """A dozen queries, however many rows there are."""
    now, market = market_clock().now(), market_status()
    due = due_checks(now, market)
    active = LiveStrategy.objects.filter(status=LiveStrategy.Status.ACTIVE)
    waiting = 0 if market.ended else active.filter(next_check_at__lte=now).count()
    age = (now - due.oldest).total_seconds() if due.oldest else 0.0
    yield gauge("due_checks", "Checks that are due now.", waiting)
    yield gauge("overdue_checks", "Checks that should have been made long ago.", due.overdue)
    yield gauge("oldest_due_check_age_seconds", "Market time since the oldest due check was due.", age)
    yield gauges("live_strategies", "Live strategies.", "status", _counts(LiveStrategy.objects.all(), "status"))
    yield _of_strategies(active)
    yield gauges("orders", "Orders.", "state", _counts(Order.objects.all(), "state"))
    stuck = Order.objects.filter(stuck_orders(wall_now)).count()
    yield gauge("stuck_orders", "Orders on the way to the broker for too long.", stuck)
    yield CounterMetricFamily("tradedesk_fills", "Booked fills.", value=Fill.objects.count())
    yield _refusals()
    yield gauges("accounts", "Broker accounts.", "state", _counts(BrokerAccount.objects.all(), "state"))
    accounts = BrokerAccount.objects.aggregate(
        failing=Count("pk", filter=Q(failures__gte=FAILING)),
        halted=Count("pk", filter=Q(entries_stopped_at__isnull=False)),
    )
    yield gauge("failing_accounts", "Accounts that could not be reconciled again and again.", accounts["failing"])
    yield gauge("halted_accounts", "Accounts whose entries are stopped.", accounts["halted"])
    incidents = Incident.objects.filter(resolved_at=None)
    yield gauges("open_incidents", "Open incidents.", "kind", _counts(incidents, "kind"))


def _of_strategies(active: "QuerySet[LiveStrategy]") -> Metric:
    found = active.aggregate(
        failing=Count("pk", filter=Q(failures__gte=FAILING)),
        missed_checks=Count("pk", filter=Q(missed_checks_at__isnull=False)),
    )
    return gauges("troubled_strategies", "Active strategies with a trouble.", "trouble", found.items())


def _refusals() -> Metric:
    family = CounterMetricFamily("tradedesk_refusals", "Signals without an order.", labels=["code"])
    refused = SignalHistory.objects.filter(outcome=SignalHistory.Outcome.REFUSED)
    for code, number in _counts(refused, "code"):
        family.add_metric([code or "unknown"], number)
    return family


def _counts(rows: "QuerySet[Any]", column: str) -> list[tuple[str, float]]:
    """How many rows have each value. One query."""
    return list(rows.order_by().values_list(column).annotate(Count("pk")).order_by(column))
