"""The fields of trading rules and costs in request bodies and responses, from their declarations."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, Field, create_model

from tradedesk.core.declarations import Rule, Unit
from tradedesk.core.rules import COSTS, RULES
from tradedesk.rest.bodies import Whole

Model = TypeVar("Model", bound=BaseModel)

TYPES: Mapping[Unit, Any] = {Unit.FLAG: bool, Unit.COUNT: Whole}
UNITS = {
    Unit.FRACTION: "A fraction: 0.02 is 2%.",
    Unit.DOLLARS: "Dollars.",
    Unit.DOLLARS_PER_SHARE: "Dollars per share.",
    Unit.STRENGTH: "0 to 1.",
    Unit.BASIS_POINTS: "Basis points.",
    Unit.TRUE_RANGES: "A multiple of the average true range (ATR).",
}


def with_rules(
    rules: Iterable[Rule], defaults: Mapping[str, str] | None = None
) -> Callable[[type[Model]], type[Model]]:
    """A decorator that adds an optional field for each rule to a request body.

    The service gets the values from `given_values`. defaults: by name, a description of the default where it
    depends on the request.
    """
    described = defaults or {}
    fields = {rule.name: (_type(rule) | None, _body_field(rule, described.get(rule.name))) for rule in rules}
    return _adding(fields)


def given_values(body: BaseModel) -> dict[str, Any]:
    """The values of a request body, without the rules that can be off and were left out: the service knows their
    defaults. None switches such a rule off; any other rule has its default then."""
    optional = {name for name, rule in (RULES | COSTS).items() if rule.optional}
    return body.model_dump(exclude=optional - body.model_fields_set)


def with_rule_values(rules: Iterable[Rule]) -> Callable[[type[Model]], type[Model]]:
    """A decorator that adds the value of each rule to a response; null is a rule that is off."""
    return _adding(
        {
            rule.name: (
                _type(rule) | None if rule.optional else _type(rule),
                Field(title=rule.label, description=_description(rule)),
            )
            for rule in rules
        }
    )


def _adding(fields: Mapping[str, Any]) -> Callable[[type[Model]], type[Model]]:
    def extend(model: type[Model]) -> type[Model]:
        return create_model(
            model.__name__, __base__=model, __module__=model.__module__, __doc__=model.__doc__, **fields
        )

    return extend


def _body_field(rule: Rule, default: str | None) -> Any:
    # The bounds and the default are documented here and applied by the service, whose messages name the rule.
    documented: dict[str, Any] = {} if rule.unit is Unit.FLAG else {"minimum": rule.low, "maximum": rule.high}
    if rule.optional and rule.default is None:
        default = "off"
    elif default is None:
        documented["default"] = rule.default
    return Field(
        # A flag is never unset: false is recorded as the value of the request.
        rule.default if rule.unit is Unit.FLAG else None,
        title=rule.label,
        description=_description(rule) + (f" Default: {default}." if default else ""),
        json_schema_extra=documented,
    )


def _description(rule: Rule) -> str:
    return f"{rule.help} {UNITS.get(rule.unit, '')}".strip()


def _type(rule: Rule) -> Any:
    return TYPES.get(rule.unit, float)
