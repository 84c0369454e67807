"""The API's calls on live trading, a module for each noun."""

from ninja import Router

from livetrading.api import dashboard, deployments, live_strategies, positions, signals

router = Router(tags=["live trading"])
for noun in (deployments, live_strategies, signals, positions, dashboard):
    router.add_router("", noun.router)
