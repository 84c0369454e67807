"""Validates, saves and deletes strategies; pages and API both use these functions."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from django.db import transaction
from django.db.models.functions import Now

from strategies.kinds import InvalidParameters, kinds, make_kind
from strategies.models import Strategy
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.core.bars import Timeframe
from tradedesk.core.names import name_problem
from tradedesk.marketdata.library import NoBars, find_series
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

NAME_LENGTH = 80
MAX_SYMBOLS = 50
SEPARATORS = re.compile(r"[\s,;]+")


class InvalidStrategy(ValueError):
    """Invalid values of a strategy. `errors` maps a field to a message: "name", "kind", "symbols", "timeframe",
    "parameters.fast" for one parameter, "parameters" for a rule across several, "" for the whole strategy."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


class StrategyValues(TypedDict):
    name: str
    kind: str
    parameters: dict[str, int | float]
    symbols: list[str]
    timeframe: str


def clean_symbols(symbols: str | Iterable[str]) -> list[str]:
    """The symbols in upper case and in order, without duplicates; text is split at commas, semicolons and spaces.

    Raises InvalidStrategy for an invalid symbol and for more than 50 symbols.
    """
    candidates = SEPARATORS.split(symbols) if isinstance(symbols, str) else symbols
    try:
        # Truncated to keep the error message short; a valid symbol is shorter.
        found = list(dict.fromkeys(clean_symbol(text[:40]) for text in candidates if text.strip()))
    except InvalidSymbol as error:
        raise InvalidStrategy({"symbols": str(error)}) from None
    if len(found) > MAX_SYMBOLS:
        raise InvalidStrategy({"symbols": f"At most {MAX_SYMBOLS} symbols, not {len(found)}."})
    return found


def clean_strategy(
    *, name: str, kind: str, parameters: Mapping[str, Any], symbols: str | Iterable[str], timeframe: str
) -> StrategyValues:
    """The values as stored, with defaults for missing parameters. Raises InvalidStrategy with all errors."""
    errors: dict[str, str] = {}
    clean: StrategyValues = {
        "name": " ".join(name.split()),
        "kind": kind,
        "parameters": {},
        "symbols": [],
        "timeframe": timeframe,
    }
    if message := _name_error(clean["name"]):
        errors["name"] = message
    if kind not in kinds():
        errors["kind"] = f"There is no strategy kind “{kind[:40]}”. Kinds: {', '.join(kinds())}."
    else:
        try:
            clean["parameters"] = make_kind(kind, parameters).parameters
        except InvalidParameters as error:
            errors |= {f"parameters.{key}" if key else "parameters": text for key, text in error.errors.items()}
    try:
        clean["symbols"] = clean_symbols(symbols)
    except InvalidStrategy as error:
        errors |= error.errors
    if timeframe not in list(Timeframe):
        errors["timeframe"] = f"The timeframe must be one of {', '.join(Timeframe)}."
    if errors:
        raise InvalidStrategy(errors)
    return clean


def save_strategy(
    user: User,
    *,
    name: str,
    kind: str,
    parameters: Mapping[str, Any],
    symbols: str | Iterable[str],
    timeframe: str,
    strategy: Strategy | None = None,
) -> Strategy:
    """Create a strategy of this user, or change `strategy`. Symbols may have no bars yet: see bars_hint.

    Deployments keep their own copy of the rules. Raises InvalidStrategy.
    """
    values = clean_strategy(name=name, kind=kind, parameters=parameters, symbols=symbols, timeframe=timeframe)
    if strategy is None:
        strategy = user.strategies.create(**values)
    else:
        if not user.strategies.filter(pk=strategy.pk).update(**values, updated_at=Now()):
            raise InvalidStrategy({"": "This strategy was deleted while you were editing it."})
        strategy.refresh_from_db()
    bump_version(user.pk)
    return strategy


def delete_strategy(strategy: Strategy) -> None:
    """Backtests and deployments stay, each with its own copy of the rules; deployments keep trading."""
    with transaction.atomic():
        # Locked, so that no new reference to the row appears while Django collects the existing ones.
        for row in Strategy.objects.select_for_update().filter(pk=strategy.pk):
            row.delete()
    bump_version(strategy.user_id)


def bars_hint(user_id: int, symbols: list[str], timeframe: str) -> str:
    """The symbols without bars for this user in this timeframe and how to import them; "" when there are none."""
    found = find_series(user_id, symbols, timeframe)
    missing = [symbol for symbol in symbols if symbol not in found]
    return str(NoBars(missing, timeframe)) if missing else ""


def _name_error(name: str) -> str:
    if not name:
        return "Give the strategy a name."
    if len(name) > NAME_LENGTH:
        return f"A name has at most {NAME_LENGTH} characters, not {len(name)}."
    return name_problem(name)
