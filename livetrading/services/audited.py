"""What the audit keeps of a live strategy."""

from typing import Any

from livetrading.models import LiveStrategy
from tradedesk.core.rules import DEPLOYED_RULES

SETTINGS = ("name", "check_interval", "auto_execute", "on_leaving", *DEPLOYED_RULES)


def audited(live: LiveStrategy) -> dict[str, Any]:
    """The whole deployment: what it trades, with which settings, in which account."""
    snapshot = {name: getattr(live, name) for name in ("kind", "parameters", "symbols", "timeframe")}
    own = {"account": live.account_id, "status": live.status, "size_fraction": live.size_fraction}
    return own | snapshot | settings_of(live)


def settings_of(live: LiveStrategy) -> dict[str, Any]:
    """What may be edited while it runs."""
    return {name: getattr(live, name) for name in SETTINGS}
