"""The API of live trading, a module for each resource."""

from ninja import Router

from livetrading.api import (
    beside,
    dashboard,
    deployments,
    editing,
    halt,
    live_strategies,
    orders,
    positions,
    promotion,
    risk_rules,
    signals,
    status,
)

__all__ = ["beside", "editing", "promotion", "router", "status"]  # four add to the router of live_strategies

router = Router(tags=["live trading"])
for module in (deployments, live_strategies, signals, positions, orders, halt, risk_rules, dashboard):
    router.add_router("", module.router)
