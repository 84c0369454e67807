"""The columns and constraints of a live strategy's trading rules, generated from core.rules."""

from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.db import models
from django.db.models import Q

from tradedesk.core.declarations import Rule, Unit
from tradedesk.core.rules import DEPLOYED_RULES, RiskRules


def _column(rule: Rule) -> "models.Field[Any, Any]":
    options: dict[str, Any] = {"verbose_name": rule.label.lower(), "help_text": rule.help}
    options |= {"null": True, "blank": True} if rule.optional else {}
    options |= {} if rule.default is None else {"default": rule.default}
    match rule.unit:
        case Unit.DOLLARS:
            return models.DecimalField(max_digits=20, decimal_places=6, **options)
        case Unit.COUNT:
            return models.PositiveSmallIntegerField(**options)
        case Unit.FLAG:
            return models.BooleanField(**options)
        case _:
            return models.FloatField(**options)


class DeployedRules(models.Model):
    """One column for each trading rule, in the unit of its declaration; NULL when the rule is off."""

    # Of all rules, the one that the evaluation of signals needs.
    trailing_stop_atr: float | None
    vars().update({rule.name: _column(rule) for rule in DEPLOYED_RULES.values()})

    class Meta:
        abstract = True

    def risk_rules(self) -> RiskRules:
        return _rules_of(tuple(getattr(self, name) for name in DEPLOYED_RULES))


@lru_cache(maxsize=4096)
def _rules_of(values: tuple[Any, ...]) -> RiskRules:
    """Many deployments have the same rules, and a check asks for them several times."""
    plain = (float(value) if isinstance(value, Decimal) else value for value in values)
    return RiskRules.from_dict(dict(zip(DEPLOYED_RULES, plain, strict=True)))


def within(field: str, low: float, high: float) -> models.CheckConstraint:
    """A constraint: the value is NULL or between the two bounds, inclusive."""
    inside = Q(**{f"{field}__gte": low, f"{field}__lte": high})
    return models.CheckConstraint(
        condition=inside | Q(**{f"{field}__isnull": True}), name=f"live_strategy_{field}_bounds"
    )


RULE_CONSTRAINTS = [
    *(within(rule.name, rule.low, rule.high) for rule in DEPLOYED_RULES.values() if rule.unit is not Unit.FLAG),
    models.CheckConstraint(
        condition=Q(trailing_stop_pct__isnull=True) | Q(trailing_stop_atr__isnull=True),
        name="live_strategy_one_trailing_stop",
    ),
]
