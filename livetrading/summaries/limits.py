"""The trading rules of a live strategy, compared with those of its backtest or optimizer run."""

from dataclasses import dataclass
from typing import Any

from livetrading.models import LiveStrategy
from tradedesk.core.declarations import Rule
from tradedesk.core.rules import DEPLOYED_RULES


@dataclass(frozen=True, slots=True)
class Limit:
    """A rule with its deployed and its tested value. Without a backtest or an optimizer run tested is None and
    differs is False."""

    rule: Rule
    deployed: Any
    tested: Any
    differs: bool


def limits_of(live: LiveStrategy) -> list[Limit]:
    """All rules of `live`, compared with its backtest or with the run of its candidate."""
    tested: dict[str, Any] | None = live.backtest.rules if live.backtest else None
    if live.candidate:
        tested = live.candidate.run.rules_on(live.candidate.universe).as_dict()
    deployed = live.risk_rules().as_dict()
    return [
        Limit(
            rule,
            deployed[name],
            tested.get(name) if tested else None,
            tested is not None and deployed[name] != tested.get(name),
        )
        for name, rule in DEPLOYED_RULES.items()
    ]
