"""The fields of trading rules and costs in request bodies and responses, made from their declarations."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, Field, create_model

from tradedesk.core.rules import Rule, Unit
from tradedesk.rest.bodies import Whole

Model = TypeVar("Model", bound=BaseModel)
UNITS = {Unit.FRACTION: "A fraction: 0.02 is 2%.", Unit.FLAG: "", Unit.STRENGTH: "0 to 1.", Unit.COUNT: ""}


def with_rules(
    rules: Iterable[Rule], defaults: Mapping[str, str] | None = None
) -> Callable[[type[Model]], type[Model]]:
    """A decorator that adds a field for each rule to a body; what is left out is None.

    defaults: what a rule is when it is left out, in words, where that is not the declared default.
    """
    fields = {rule.name: _optional(rule, (defaults or {}).get(rule.name)) for rule in rules}
    return lambda body: _extended(body, fields)


def with_rule_values(rules: Iterable[Rule]) -> Callable[[type[Model]], type[Model]]:
    """A decorator that adds the value of each rule to a response; null is a rule that is off."""
    fields = {
        rule.name: (_type(rule) | None if rule.optional else _type(rule), _described(rule)) for rule in rules
    }
    return lambda schema: _extended(schema, fields)


def _extended(model: type[Model], fields: Mapping[str, Any]) -> type[Model]:
    return create_model(
        model.__name__, __base__=model, __module__=model.__module__, __doc__=model.__doc__, **fields
    )


def _optional(rule: Rule, default: str | None) -> tuple[Any, Any]:
    words = default or ("off" if rule.default is None else f"{rule.default:g}" if rule.default else "0")
    if rule.unit is Unit.FLAG:
        words = str(bool(rule.default)).lower()
    return _type(rule) | None, Field(None, description=f"{_words(rule)} Left out: {words}.")


def _described(rule: Rule) -> Any:
    return Field(description=_words(rule))


def _words(rule: Rule) -> str:
    return f"{rule.help} {UNITS.get(rule.unit, f'{rule.unit.capitalize()}.')}".strip()


def _type(rule: Rule) -> Any:
    return {Unit.FLAG: bool, Unit.COUNT: Whole}.get(rule.unit, float)
