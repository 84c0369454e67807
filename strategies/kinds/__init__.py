"""The strategy kinds: one file each in this folder, discovered at import; plugins are added at start."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from strategies.kinds import (
    talib_without_pandas as talib_without_pandas,  # must run before any kind imports TA-Lib
)
from strategies.kinds.base import Choice, InvalidParameters, Kind, Param, named_parameters, parameter_texts
from tradedesk.core.code_digest import code_digest

__all__ = [
    "Choice",
    "InvalidParameters",
    "Kind",
    "Param",
    "Plugin",
    "by_key",
    "code_hash",
    "kinds",
    "make_kind",
    "named_parameters",
    "parameter_texts",
    "plugin_of",
    "rule_defaults_of",
]


@dataclass(frozen=True, slots=True)
class Plugin:
    """The file of a trader's own kinds, and its code when it was loaded; b"" for kinds that are trusted like those
    of the desk."""

    path: Path
    code: bytes = b""


_plugins: dict[type[Kind], Plugin] = {}


@cache
def kinds() -> dict[str, type[Kind]]:
    """All kinds by key, sorted by name."""
    found = [kind for module in _modules() for kind in _kinds_in(module)]
    return by_key([*found, *_plugins])


def add_plugins(found: Iterable[type[Kind]], source: Plugin) -> None:
    """Add the kinds of a plugin file. Raises ValueError, and adds none, when a key is already used."""
    by_key([*kinds().values(), *found])
    _plugins.update(dict.fromkeys(found, source))
    _clear_caches()


def plugin_of(key: str) -> Plugin | None:
    """The plugin that the kind comes from; None for a kind that is trusted and for an unknown one."""
    kind = kinds().get(key)
    plugin = _plugins.get(kind) if kind else None
    return plugin if plugin and plugin.code else None


def remove_plugins() -> None:
    _plugins.clear()
    _clear_caches()


def _clear_caches() -> None:
    kinds.cache_clear()
    code_hash.cache_clear()


def by_key(found: Iterable[type[Kind]]) -> dict[str, type[Kind]]:
    """Kinds by key, sorted by name. Raises ValueError for a key used twice: one kind would replace the other."""
    keyed: dict[str, type[Kind]] = {}
    for kind in sorted(found, key=lambda kind: kind.name):
        if kind.key in keyed:
            raise ValueError(f"{keyed[kind.key].__qualname__} and {kind.__qualname__} share the key “{kind.key}”.")
        keyed[kind.key] = kind
    return keyed


def _kinds_in(module: str) -> list[type[Kind]]:
    return [
        value
        for value in vars(import_module(module)).values()
        if inspect.isclass(value)
        and issubclass(value, Kind)
        and not inspect.isabstract(value)
        and value.__module__ == module
    ]


def make_kind(key: str, parameters: Mapping[str, Any]) -> Kind:
    """The kind `key` with these parameters. Raises InvalidParameters for an unknown key or invalid values."""
    if key not in kinds():
        raise InvalidParameters({"": f"There is no strategy kind “{key}”."})
    return kinds()[key](**parameters)


def rule_defaults_of(key: str) -> Mapping[str, Any]:
    """The trading rules whose default is another one for this kind; none for an unknown kind."""
    kind = kinds().get(key)
    return kind.rule_defaults if kind else {}


@cache
def code_hash(key: str) -> str:
    """The first 12 hex digits of a SHA-256 over the code of a kind, stored with its results.

    Comments, formatting and docstrings do not count. It covers the file of the kind, the files of its base
    classes, and the files in this folder that define no kind (crossings, averages, the base).
    """
    classes = kinds()[key].__mro__
    modules = {each.__module__ for each in classes}
    paths = [_path_of(name) for name in _modules() if name in modules or not _kinds_in(name)]
    return _hash_of([*paths, *(_plugins[each].path for each in classes if each in _plugins)])


def folder_hash() -> str:
    """The first 12 hex digits of a SHA-256 over the code of all files in this folder, which any plugin may use."""
    return _hash_of(_path_of(name) for name in _modules())


def _modules() -> list[str]:
    return [module.name for module in iter_modules(__path__, f"{__name__}.")]


def _path_of(module: str) -> Path:
    return Path(str(import_module(module).__file__))


def _hash_of(paths: Iterable[Path]) -> str:
    return sha256(b"".join(code_digest(path.read_bytes()) for path in paths)).hexdigest()[:12]
