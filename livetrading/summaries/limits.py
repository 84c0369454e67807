"""The trading rules of a live strategy, beside those of the backtest or the optimizer run that it comes from."""

from dataclasses import dataclass
from typing import Any

from livetrading.models import LiveStrategy
from tradedesk.core.rules import DEPLOYED_RULES, Rule


@dataclass(frozen=True, slots=True)
class Limit:
    """A rule with the value that is deployed and the value that was tested. tested: None also when the live strategy
    comes from neither a backtest nor an optimizer run; differs is False then."""

    rule: Rule
    deployed: Any
    tested: Any
    differs: bool


def limits_of(live: LiveStrategy) -> list[Limit]:
    """Every rule of `live`; reads its backtest, or its candidate with the run."""
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
