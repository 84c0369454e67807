"""Provenance: the code and the bars that a backtest was made from, so that anyone can tell if it still holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings

import backtests
from strategies.kinds import code_hash, kinds
from tradedesk import core
from tradedesk.marketdata.models import BarSeries

# The pure modules of this app that take part in a run.
RUN_MODULES = ("engine", "kernel", "meter", "panel", "results", "simulation")
SHOWN = 12


@cache
def engine_code() -> str:
    """The first 12 hex digits of the SHA-256 over the engine's and the core's source files, names included."""
    digest = sha256()
    own = [Path(backtests.__path__[0]) / f"{module}.py" for module in RUN_MODULES]
    for path in [*own, *sorted(Path(core.__path__[0]).glob("*.py"))]:
        source = path.read_bytes()
        digest.update(f"{path.name} {len(source)}\n".encode() + source)
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
    """One thing a backtest was made from, as a page shows it; changed: today's is another one."""

    label: str
    value: str
    changed: bool


def compare(kind: str, recorded: Mapping[str, Any], series: Mapping[str, BarSeries]) -> list[Origin]:
    """What was recorded, line by line, beside what a run would be made from today."""
    code = code_hash(kind) if kind in kinds() else ""
    lines = [
        Origin("Version", recorded["version"], recorded["version"] != settings.VERSION),
        Origin("Strategy code", recorded["kind_code"], recorded["kind_code"] != code),
        Origin("Engine code", recorded["engine_code"], recorded["engine_code"] != engine_code()),
    ]
    for symbol, data in sorted(recorded["data"].items()):
        now = series[symbol].fingerprint if symbol in series else ""
        words = f"{data['provider']} {data['fingerprint'][:SHOWN]}"
        lines.append(Origin(f"{symbol} bars", words, data["fingerprint"] != now))
    return lines
