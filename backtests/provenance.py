"""Provenance: the code and the bars that a result was computed from, to see whether they have changed since.

Comments, docstrings and bars after the end of the period change no result and are not compared.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings

from backtests import engine
from backtests.bars_used import BarsUsed, stored_bars_used
from strategies.kinds import code_hash, kinds
from tradedesk import core
from tradedesk.core.code_digest import code_digest
from tradedesk.marketdata.models import BarSeries

# The folders whose code is part of a run, in addition to the kind's own file.
RUN_FOLDERS = (Path(core.__path__[0]), Path(engine.__path__[0]))
HASH_LENGTH = 12


@cache
def engine_code() -> str:
    """The first 12 hex digits of the SHA-256 over the code of the engine and the core, file names included."""
    code = sha256()
    for file in (file for folder in RUN_FOLDERS for file in sorted(folder.rglob("*.py"))):
        code.update(f"{file.name}\n".encode() + code_digest(file.read_bytes()))
    return code.hexdigest()[:HASH_LENGTH]


def describe(kind: str, bars: Mapping[str, BarsUsed]) -> dict[str, Any]:
    """The content of Backtest.provenance: version, kind_code, engine_code, data {symbol: {provider, fingerprint,
    count}}."""
    return {
        "version": settings.VERSION,
        "kind_code": code_hash(kind) if kind else "",
        "engine_code": engine_code(),
        "data": {symbol: asdict(used) for symbol, used in bars.items()},
    }


def describe_many(kind_keys: Iterable[str], bars: Mapping[str, BarsUsed]) -> dict[str, Any]:
    """The same for a ranking of several kinds: kind_codes {key: code} in place of kind_code."""
    described = describe("", bars)
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


def compare(
    kind: str, recorded: Mapping[str, Any], series: Mapping[str, BarSeries], end: datetime
) -> list[Origin]:
    """The recorded inputs, each compared with today's; of the bars those up to `end`, the end of the period."""
    lines = [
        Origin("Version", recorded["version"], recorded["version"] != settings.VERSION),
        *_kind_origins(kind, recorded),
        Origin("Engine code", recorded["engine_code"], recorded["engine_code"] != engine_code()),
    ]
    for symbol, data in sorted(recorded["data"].items()):
        now = stored_bars_used(series[symbol], end).fingerprint if symbol in series else ""
        value = f"{data['provider']} {data['fingerprint'][:HASH_LENGTH]}"
        lines.append(Origin(f"{symbol} bars", value, data["fingerprint"] != now, _number_of_bars(data)))
    return lines


def changes(recorded: Mapping[str, Any], kind_keys: Iterable[str], bars: Mapping[str, BarsUsed]) -> list[str]:
    """Of the engine, these kinds and these bars, those that differ today from the recorded ones, as phrases.

    The version does not count: where code and bars are the same, the result is too.
    """
    ranked = recorded.get("kind_codes", {})
    codes = {key: ranked.get(key) if ranked else recorded.get("kind_code") for key in kind_keys}
    names = {key: _of_kind(key) if ranked else "the strategy's code" for key in codes}
    found = [names[key] for key, code in codes.items() if code != _code_today(key)]
    found += ["the engine's code"] if recorded.get("engine_code") != engine_code() else []
    known = _fingerprints(recorded)
    return found + [_of_bars(symbol) for symbol in bars if known.get(symbol) != bars[symbol].fingerprint]


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """The inputs that differ between two results up to the same end, as phrases."""
    names = {"version": "the version", "kind_code": "the strategy's code", "engine_code": "the engine's code"}
    found = [phrase for name, phrase in names.items() if first.get(name) != second.get(name)]
    codes = _unequal(first.get("kind_codes", {}), second.get("kind_codes", {}))
    bars = _unequal(_fingerprints(first), _fingerprints(second))
    return [*found, *map(_of_kind, codes), *map(_of_bars, bars)]


def _of_kind(key: str) -> str:
    return f"the code of “{key}”"


def _of_bars(symbol: str) -> str:
    return f"the bars of {symbol}"


def _fingerprints(recorded: Mapping[str, Any]) -> dict[str, str]:
    return {symbol: each["fingerprint"] for symbol, each in recorded.get("data", {}).items()}


def _unequal(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """The keys whose values differ, or that only one of the two has."""
    return sorted(key for key in first.keys() | second.keys() if first.get(key) != second.get(key))


def _kind_origins(kind: str, recorded: Mapping[str, Any]) -> Iterator[Origin]:
    """The code of the one kind, or of each kind in a ranking."""
    ranked: dict[str, str] = recorded.get("kind_codes", {})
    for key, code in ranked.items() or [(kind, recorded["kind_code"])]:
        label = f"{kinds()[key].name} code" if ranked and key in kinds() else "Strategy code"
        yield Origin(label, code, code != _code_today(key))


def _code_today(key: str) -> str:
    """The hash of the kind's code, empty for a kind that is no longer installed."""
    return code_hash(key) if key in kinds() else ""


def _number_of_bars(data: Mapping[str, Any]) -> str:
    """Such as "2,768 bars, 1,511 of them in the period"; only a backtest records the second number."""
    text = f"{data['count']:,} bar{'' if data['count'] == 1 else 's'}"
    if "bars_before" in data:
        text += f", {data['count'] - data['bars_before']:,} of them in the period"
    return text
