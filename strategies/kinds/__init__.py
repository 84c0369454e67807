"""The strategy kinds: one file each in this folder, found by name, nothing to register."""

import inspect
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from strategies.kinds.base import InvalidParameters, Kind, Param, summary

__all__ = ["InvalidParameters", "Kind", "Param", "code_hash", "kinds", "make_kind", "summary"]


@cache
def kinds() -> dict[str, type[Kind]]:
    """Every kind by its key, sorted by name."""
    found: dict[str, type[Kind]] = {}
    for module in iter_modules(__path__, f"{__name__}."):
        for value in vars(import_module(module.name)).values():
            is_kind = inspect.isclass(value) and issubclass(value, Kind) and not inspect.isabstract(value)
            if is_kind and value.__module__ == module.name:
                found[value.key] = value
    return dict(sorted(found.items(), key=lambda item: item[1].name))


def make_kind(key: str, parameters: Mapping[str, Any]) -> Kind:
    """The kind `key` with these parameters. Raises InvalidParameters for an unknown key as for bad values."""
    if key not in kinds():
        raise InvalidParameters({"": f"There is no strategy kind “{key}”."})
    return kinds()[key](**parameters)


@cache
def code_hash(key: str) -> str:
    """The first 12 hex digits of the SHA-256 of the kind's source file: which code made a decision."""
    return sha256(Path(inspect.getfile(kinds()[key])).read_bytes()).hexdigest()[:12]
