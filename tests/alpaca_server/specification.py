"""Alpaca's own OpenAPI specifications, and whether a request and its answer are as they say.

They are read from the installed package alpaca-mcp-server, whose code is never run. An object has no property that
neither its schema nor an example of the specification has.
"""

import importlib.util
import json
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tests.alpaca_server.wire import Exchange

FILES = ("trading-api.json", "market-data-api.json")
# What is answered where the specification names no such status: credentials, unknown things, refusals, limits.
REFUSALS = (400, 401, 403, 404, 422, 429)
PREFIX = "#/components/"


def violations(exchange: Exchange) -> list[str]:
    """What is not as a specification says, in words. A request counts only if it was accepted."""
    found = _operation(exchange.method, exchange.path)
    if found is None:
        return [f"{exchange.method} {exchange.path} is not specified"]
    document, operation, parameters = found
    problems = []
    if exchange.status < 400:
        problems += _in_query(document, parameters, exchange.query)
        if exchange.method in ("POST", "PATCH"):
            problems += _in(document, _content(operation["requestBody"]), exchange.body)
    response = operation["responses"].get(str(exchange.status))
    schema = None if response is None else _content(_resolved(document, response))
    if response is None and exchange.status not in REFUSALS:
        problems.append(f"the status {exchange.status} is not specified")
    elif schema is not None:
        problems += _in(document, schema, exchange.answer)
    elif exchange.status in REFUSALS:
        problems += _in(document, {"$ref": f"{PREFIX}schemas/Error"}, exchange.answer)
    elif exchange.answer is not None:
        problems.append("the answer should be empty")
    return [f"{exchange.method} {exchange.path}: {problem}" for problem in problems]


def specified(method: str, path: str) -> bool:
    return _operation(method, path) is not None


@cache
def _documents() -> list[dict[str, Any]]:
    found = importlib.util.find_spec("alpaca_mcp_server")
    assert found is not None, "alpaca-mcp-server is missing: requirements/specifications.txt"
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "specs"
    documents = [json.loads((folder / name).read_text()) for name in FILES]
    _complete(documents[0])
    documents[1]["components"]["schemas"].setdefault("Error", documents[0]["components"]["schemas"]["Error"])
    for document in documents:
        _close(document["components"])
        _close(document["paths"])
    documents[0]["components"]["schemas"]["Error"]["additionalProperties"] = True  # a refusal can say more
    return documents


def _complete(document: dict[str, Any]) -> None:
    """Where the trading specification contradicts itself, its examples count; and what it says of busted and
    corrected trades in the event stream, it says of them as activities."""
    schemas, examples = document["components"]["schemas"], document["components"]["examples"]
    for name in ("Order", "OrderLeg"):
        known = {key for each in examples.values() for key in _keys(each)}
        schemas[name]["properties"] |= {key: {} for key in known - schemas[name]["properties"].keys()}
    schemas["NonTradeActivities"]["properties"]["date"]["format"] = "date"
    trade, stream = schemas["TradingActivities"]["properties"], schemas["ActivityV2DetailTRD"]["properties"]
    trade["type"]["enum"] = sorted({*trade["type"]["enum"], *stream["execution_type"]["enum"]})
    trade["previous_id"] = schemas["ActivityEventV2CommonFields"]["properties"]["previous_id"]


def _keys(example: dict[str, Any]) -> set[str]:
    value = example.get("value")
    return set(value) if isinstance(value, dict) and "order_class" in value else set()


def _close(node: Any) -> None:
    """No object has properties beside those of its schema."""
    if isinstance(node, list):
        for each in node:
            _close(each)
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            examples = [each for each in node.get("examples", []) if isinstance(each, dict)]
            node["properties"] = {name: {} for each in examples for name in each} | node["properties"]
            node.setdefault("additionalProperties", False)
        for each in list(node.values()):
            _close(each)


def _operation(method: str, path: str) -> tuple[dict[str, Any], dict[str, Any], list[Any]] | None:
    """The document, the operation and its parameters; a path without a variable is preferred."""
    for variable in (False, True):
        for document in _documents():
            for template, operations in document["paths"].items():
                pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
                if ("{" in template) == variable and method.lower() in operations and re.fullmatch(pattern, path):
                    operation = operations[method.lower()]
                    parameters = operations.get("parameters", []) + operation.get("parameters", [])
                    return document, operation, [_resolved(document, each) for each in parameters]
    return None


def _resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        _, kind, name = node["$ref"].removeprefix("#/").split("/")
        node = document["components"][kind][name]
    return node


def _content(node: dict[str, Any]) -> dict[str, Any] | None:
    schema = node.get("content", {}).get("application/json", {}).get("schema")
    return None if schema is None else dict(schema)


def _in_query(document: dict[str, Any], parameters: list[Any], query: dict[str, str]) -> list[str]:
    known = {each["name"]: each for each in parameters if each["in"] == "query"}
    problems = [f"the parameter {name} is not specified" for name in query.keys() - known.keys()]
    problems += [
        f"{name} is missing" for name, each in known.items() if each.get("required") and name not in query
    ]
    for name in query.keys() & known.keys():
        schema = _resolved(document, known[name]["schema"])
        problems += [f"{name}: {problem}" for problem in _in(document, schema, _typed(schema, query[name]))]
    return problems


def _typed(schema: dict[str, Any], text: str) -> object:
    kind = schema.get("type")
    if kind == "integer" and text.isdigit():
        return int(text)
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind == "array":
        return text.split(",")
    return text if "T" in text or schema.get("format") != "date-time" else f"{text}T00:00:00Z"


def _in(document: dict[str, Any], schema: dict[str, Any] | None, value: Any) -> list[str]:
    assert schema is not None
    whole = schema | {"components": document["components"]}
    errors = Draft202012Validator(whole, format_checker=_formats()).iter_errors(value)
    return [f"{error.json_path} {error.message[:300]}" for error in errors]


@cache
def _formats() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, parse in PARSERS.items():
        checker.checks(name, raises=(ValueError, ArithmeticError))(partial(_parses, parse))
    return checker


def _parses(parse: Callable[[str], object], value: object) -> bool:
    """Raises what the parser raises."""
    return not isinstance(value, str) or parse(value) is not None


def _aware(text: str) -> datetime | None:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else None


PARSERS: dict[str, Callable[[str], object]] = {
    "uuid": uuid.UUID,
    "date": date.fromisoformat,
    "date-time": _aware,
    "decimal": Decimal,
}
