"""Provenance: the code and the bars that a backtest was made from, so that anyone can tell if it still holds."""

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

# The folders whose code takes part in a run, the kind's own file apart.
RUN_FOLDERS = (Path(core.__path__[0]), Path(engine.__path__[0]))
SHOWN = 12


@cache
def engine_code() -> str:
    """The first 12 hex digits of the SHA-256 over the source files of the engine and the core, names included."""
    digest = sha256()
    for file in (file for folder in RUN_FOLDERS for file in sorted(folder.rglob("*.py"))):
        source = file.read_bytes()
        digest.update(f"{file.name} {len(source)}\n".encode() + source)
    return digest.hexdigest()[:SHOWN]


def describe(kind: str, series: Mapping[str, BarSeries]) -> dict[str, Any]:
    """What Backtest.provenance holds: version, kind_code, engine_code, data {symbol: {provider, fingerprint}}."""
    return {
        "version": settings.VERSION,
        "kind_code": code_hash(kind) if kind else "",
        "engine_code": engine_code(),
        "data": {
            symbol: {"provider": found.provider, "fingerprint": found.fingerprint}
            for symbol, found in series.items()
        },
    }


def describe_many(kind_keys: Iterable[str], series: Mapping[str, BarSeries]) -> dict[str, Any]:
    """The same of a ranking of several kinds: kind_codes {key: code} in place of kind_code."""
    several = describe("", series)
    del several["kind_code"]
    return several | {"kind_codes": {key: code_hash(key) for key in sorted(kind_keys)}}


@dataclass(frozen=True, slots=True)
class Origin:
    """One thing a backtest was made from, as a page shows it. changed: today's is another one. note: how much."""

    label: str
    value: str
    changed: bool
    note: str = ""


def compare(kind: str, recorded: Mapping[str, Any], series: Mapping[str, BarSeries]) -> list[Origin]:
    """What was recorded, line by line, beside what a run would be made from today."""
    lines = [
        Origin("Version", recorded["version"], recorded["version"] != settings.VERSION),
        *_kind_origins(kind, recorded),
        Origin("Engine code", recorded["engine_code"], recorded["engine_code"] != engine_code()),
    ]
    for symbol, data in sorted(recorded["data"].items()):
        now = series[symbol].fingerprint if symbol in series else ""
        words = f"{data['provider']} {data['fingerprint'][:SHOWN]}"
        used = f"{data['bars']:,} in the period" if "bars" in data else ""
        lines.append(Origin(f"{symbol} bars", words, data["fingerprint"] != now, used))
    return lines


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """What two runs of the same backtest were made from that is not the same, in words."""
    names = {"version": "the version", "kind_code": "the strategy's code", "engine_code": "the engine's code"}
    found = [words for name, words in names.items() if first.get(name) != second.get(name)]
    codes = _unequal(first.get("kind_codes", {}), second.get("kind_codes", {}))
    bars = _unequal(_fingerprints(first), _fingerprints(second))
    return [*found, *(f"the code of “{key}”" for key in codes), *(f"the bars of {symbol}" for symbol in bars)]


def _fingerprints(recorded: Mapping[str, Any]) -> dict[str, str]:
    return {symbol: each["fingerprint"] for symbol, each in recorded.get("data", {}).items()}


def _unequal(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """The keys whose values are not the same, or that only one of the two has."""
    return sorted(key for key in first.keys() | second.keys() if first.get(key) != second.get(key))


def _kind_origins(kind: str, recorded: Mapping[str, Any]) -> Iterator[Origin]:
    """The code of the one kind, or of each that took part in a ranking."""
    several: dict[str, str] = recorded.get("kind_codes", {})
    for key, code in several.items() or [(kind, recorded["kind_code"])]:
        now = code_hash(key) if key in kinds() else ""
        label = f"{kinds()[key].name} code" if several and key in kinds() else "Strategy code"
        yield Origin(label, code, code != now)
