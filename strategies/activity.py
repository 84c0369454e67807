"""The backtests and deployments of strategies.

Both models belong to apps above this one: they are reached through the relations of Strategy, never imported.
"""

from typing import Any, cast

from django.db.models import Model, Prefetch, QuerySet

from strategies.models import Strategy

STOPPED = "stopped"


def with_activity(strategies: QuerySet[Strategy]) -> QuerySet[Strategy]:
    """Add `latest_backtests` (one at most) and `current_deployments` (those not stopped), with two more queries in
    total."""
    backtests = _newest_first("backtests")[:1]
    deployments = _newest_first("deployments").select_related("account").exclude(status=STOPPED)
    return strategies.prefetch_related(
        Prefetch("backtests", backtests, to_attr="latest_backtests"),
        Prefetch("deployments", deployments, to_attr="current_deployments"),
    )


def backtests_of(strategy: Strategy) -> QuerySet[Any]:
    """Newest first."""
    return _newest_first("backtests").filter(strategy=strategy)


def deployments_of(strategy: Strategy) -> QuerySet[Any]:
    """Newest first."""
    return _newest_first("deployments").select_related("account").filter(strategy=strategy)


def current_deployments_of(strategy: Strategy) -> QuerySet[Any]:
    return deployments_of(strategy).exclude(status=STOPPED)


def _newest_first(relation: str) -> QuerySet[Any]:
    model = cast("type[Model]", Strategy._meta.get_field(relation).related_model)
    return model._default_manager.order_by("-pk")
