"""Provenance: the code and the bars that a result was computed from, to see whether they have changed since."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings

from backtests import engine
from strategies.kinds import code_hash, kinds
from tradedesk import core
from tradedesk.marketdata.models import BarSeries

# The folders whose code is part of a run, in addition to the kind's own file.
RUN_FOLDERS = (Path(core.__path__[0]), Path(engine.__path__[0]))
HASH_LENGTH = 12


@cache
def engine_code() -> str:
    """The first 12 hex digits of the SHA-256 over the source files of the engine and the core, names included."""
    code = sha256()
    for file in (file for folder in RUN_FOLDERS for file in sorted(folder.rglob("*.py"))):
        source = file.read_bytes()
        code.update(f"{file.name} {len(source)}\n".encode() + source)
    return code.hexdigest()[:HASH_LENGTH]


def describe(kind: str, series: Mapping[str, BarSeries]) -> dict[str, Any]:
    """The content of Backtest.provenance: version, kind_code, engine_code, data {symbol: {provider,
    fingerprint}}."""
    return {
        "version": settings.VERSION,
        "kind_code": code_hash(kind) if kind else "",
        "engine_code": engine_code(),
        "data": {
            symbol: {"provider": each.provider, "fingerprint": each.fingerprint} for symbol, each in series.items()
        },
    }


def describe_many(kind_keys: Iterable[str], series: Mapping[str, BarSeries]) -> dict[str, Any]:
    """The same for a ranking of several kinds: kind_codes {key: code} in place of kind_code."""
    described = describe("", series)
    del described["kind_code"]
    return described | {"kind_codes": {key: code_hash(key) for key in sorted(kind_keys)}}


@dataclass(frozen=True, slots=True)
class Origin:
    """One input of a result, as a page shows it. changed: whether it differs from the recorded one. note: the
    number of bars."""

    label: str
    value: str
    changed: bool
    note: str = ""


def compare(kind: str, recorded: Mapping[str, Any], series: Mapping[str, BarSeries]) -> list[Origin]:
    """The recorded inputs, each compared with today's."""
    lines = [
        Origin("Version", recorded["version"], recorded["version"] != settings.VERSION),
        *_kind_origins(kind, recorded),
        Origin("Engine code", recorded["engine_code"], recorded["engine_code"] != engine_code()),
    ]
    for symbol, data in sorted(recorded["data"].items()):
        now = series[symbol].fingerprint if symbol in series else ""
        value = f"{data['provider']} {data['fingerprint'][:HASH_LENGTH]}"
        used = f"{data['bars']:,} in the period" if "bars" in data else ""
        lines.append(Origin(f"{symbol} bars", value, data["fingerprint"] != now, used))
    return lines


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """The inputs that differ between two results, as phrases."""
    names = {"version": "the version", "kind_code": "the strategy's code", "engine_code": "the engine's code"}
    found = [phrase for name, phrase in names.items() if first.get(name) != second.get(name)]
    codes = _unequal(first.get("kind_codes", {}), second.get("kind_codes", {}))
    bars = _unequal(_fingerprints(first), _fingerprints(second))
    return [*found, *(f"the code of “{key}”" for key in codes), *(f"the bars of {symbol}" for symbol in bars)]


def _fingerprints(recorded: Mapping[str, Any]) -> dict[str, str]:
    return {symbol: each["fingerprint"] for symbol, each in recorded.get("data", {}).items()}


def _unequal(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """The keys whose values differ, or that only one of the two has."""
    return sorted(key for key in first.keys() | second.keys() if first.get(key) != second.get(key))


def _kind_origins(kind: str, recorded: Mapping[str, Any]) -> Iterator[Origin]:
    """The code of the one kind, or of each kind in a ranking."""
    ranked: dict[str, str] = recorded.get("kind_codes", {})
    for key, code in ranked.items() or [(kind, recorded["kind_code"])]:
        now = code_hash(key) if key in kinds() else ""
        label = f"{kinds()[key].name} code" if ranked and key in kinds() else "Strategy code"
        yield Origin(label, code, code != now)
