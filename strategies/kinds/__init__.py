"""The strategy kinds: one file each in this folder, found by name, nothing to register."""

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from strategies.kinds import talib_alone as talib_alone  # before any kind imports TA-Lib
from strategies.kinds.base import InvalidParameters, Kind, Param, summary

__all__ = ["InvalidParameters", "Kind", "Param", "by_key", "code_hash", "kinds", "make_kind", "summary"]


# A trader's own, with the file that each is from.
_own: dict[type[Kind], Path] = {}


@cache
def kinds() -> dict[str, type[Kind]]:
    """Every kind by its key, sorted by name."""
    found = [kind for module in _modules() for kind in _kinds_in(module)]
    return by_key([*found, *_own])


def add_plugins(found: Iterable[type[Kind]], source: Path) -> None:
    """Kinds of a file outside of this folder. Raises ValueError for a key in use; then none is added."""
    by_key([*kinds().values(), *found])
    _own.update(dict.fromkeys(found, source))
    _changed()


def forget_plugins() -> None:
    _own.clear()
    _changed()


def _changed() -> None:
    kinds.cache_clear()
    code_hash.cache_clear()


def by_key(found: Iterable[type[Kind]]) -> dict[str, type[Kind]]:
    """Kinds by their key, sorted by name. Raises ValueError for a key used twice: one would trade as the other."""
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
    """The kind `key` with these parameters. Raises InvalidParameters for an unknown key as for bad values."""
    if key not in kinds():
        raise InvalidParameters({"": f"There is no strategy kind “{key}”."})
    return kinds()[key](**parameters)


@cache
def code_hash(key: str) -> str:
    """The first 12 hex digits of a SHA-256: which code made a decision.

    It covers the kind's own file, those of the kinds that it is made from, and the files beside it that hold no
    kind: crossings, averages, the base.
    """
    family = kinds()[key].__mro__
    named = {each.__module__ for each in family}
    paths = [_path_of(name) for name in _modules() if name in named or not _kinds_in(name)]
    return _hash_of([*paths, *(_own[each] for each in family if each in _own)])


def folder_hash() -> str:
    """The same over this whole folder: what a trader's own kind may stand on."""
    return _hash_of(_path_of(name) for name in _modules())


def _modules() -> list[str]:
    return [module.name for module in iter_modules(__path__, f"{__name__}.")]


def _path_of(module: str) -> Path:
    return Path(str(import_module(module).__file__))


def _hash_of(paths: Iterable[Path]) -> str:
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
