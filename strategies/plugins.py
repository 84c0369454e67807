"""A trader's own kinds: Python files in a folder, loaded at start and checked before they can be used.

A file that cannot be loaded, or that a check finds fault with, is listed with the reason and takes nothing down.
The files are code that whoever operates the desk has put there: they run with the desk's rights.
"""

import json
import re
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np

from strategies import kinds as registry
from strategies.checks import Check, check_no_look_ahead, check_warmup
from strategies.kinds import InvalidParameters, Kind
from tradedesk.core.bars import Bars

KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
SEED = 7
# Besides its defaults a kind is tried with so many combinations of its search ranges.
DRAWN = 3
BARS = 1500
STOCKS = ("AAPL", "IBM")
# Seconds for loading and proving one file; far more than any needs that ends.
LONGEST = 120.0


@dataclass(frozen=True, slots=True)
class PluginFile:
    """A file of the folder by its name. keys: of the kinds in it that can be used; reason: why there are none."""

    name: str
    keys: tuple[str, ...] = ()
    reason: str = ""

    @property
    def words(self) -> str:
        known = registry.kinds()
        return ", ".join(known[key].name for key in self.keys if key in known)


@dataclass(frozen=True, slots=True)
class Trial:
    """One check of one kind with some parameters on some bars."""

    kind: str
    parameters: dict[str, int | float]
    on: str
    check: str
    found: Check


_files: list[PluginFile] = []


def plugin_files() -> list[PluginFile]:
    """The files that were found at the start, by name."""
    return list(_files)


def load_folder(folder: Path, verdicts: Path) -> None:
    """Load every Python file of the folder that passes. verdicts: a JSON file that remembers which have passed, so
    that a start is quick; without it they are all tried again."""
    registry.forget_plugins()
    _files.clear()
    known = _read(verdicts)
    now: dict[str, str] = {}
    for path in sorted(folder.glob("*.py")):
        _files.append(_loaded(path, known, now))
    if now != known:
        _write(verdicts, now)


def load_file(path: Path) -> list[type[Kind]]:
    """The kinds of a file. Raises Refused with the reason."""
    module = _module(path)
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Kind) and value.__module__ == module.__name__
    ]
    if not found:
        raise Refused("There is no strategy kind in it: a class that is derived from Kind.")
    for kind in found:
        _check(kind)
    return found


def trials(kind: type[Kind], parameters: Mapping[str, int | float] | None = None) -> Iterator[Trial]:
    """Both checks, with the defaults and with drawn combinations, or with these parameters alone; on sample stocks
    and on a random walk, or for a kind that ranks symbols on all of them together."""
    # Only where a file is tried: it would load pyarrow at every start.
    from tradedesk.marketdata.samples import FINGERPRINTS, sample_bars

    own = {symbol: sample_bars(symbol)[-BARS:] for symbol in FINGERPRINTS}
    alone = {symbol: own[symbol] for symbol in STOCKS} | {"a random walk": random_walk()}
    markets: dict[str, Bars | dict[str, Bars]] = {"all samples": own} if kind.across_symbols else {**alone}
    for made in [kind(**parameters)] if parameters is not None else _made(kind):
        for name, bars in markets.items():
            long_enough = made.warmup() < BARS
            yield Trial(kind.key, made.parameters, name, "no look-ahead", check_no_look_ahead(made, bars, SEED))
            if long_enough:
                yield Trial(kind.key, made.parameters, name, "warm-up", check_warmup(made, bars, SEED))


def random_walk() -> Bars:
    generator = np.random.default_rng(SEED)
    close = np.round(50.0 * np.exp(np.cumsum(generator.normal(0.0, 0.02, BARS))), 2)
    time = np.datetime64("2000-01-03T05:00", "us") + np.arange(BARS).astype("timedelta64[D]")
    spread = 1.0 + np.abs(generator.normal(0.0, 0.01, BARS))
    return Bars(time, close, close * spread, close / spread, close, np.full(BARS, 1000.0))


class Refused(Exception):
    """Why a file cannot be used; the message is for its author."""


def _loaded(path: Path, known: Mapping[str, str], now: dict[str, str]) -> PluginFile:
    try:
        mark = sha256(path.read_bytes()).hexdigest() + registry.folder_hash()
        with _ending():
            found = load_file(path)
            reason = known.get(mark)
            if reason is None:
                reason = next(_faults(found), "")
        now[mark] = reason
        if reason:
            return PluginFile(path.name, reason=reason)
        registry.add_plugins(found, path)
        return PluginFile(path.name, keys=tuple(kind.key for kind in found))
    except (Refused, OSError, ValueError) as refusal:
        return PluginFile(path.name, reason=str(refusal))


@contextmanager
def _ending() -> Iterator[None]:
    """Refuses what comes to no end. The alarm rings in the main thread alone; desk and workers load there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise Refused(f"It was not done after {LONGEST:g} s. Is there a loop without an end?")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LONGEST, LONGEST)  # again, should the file have caught it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _faults(found: Iterable[type[Kind]]) -> Iterator[str]:
    for kind in found:
        for trial in trials(kind):
            if not trial.found.passed:
                values = ", ".join(registry.summary(trial.parameters)) or "no parameters"
                where = f"the check of {trial.check} on {trial.on}"
                yield f"{kind.name} ({values}) fails {where}. {trial.found.message}"


def _module(path: Path) -> ModuleType:
    """The file as a module of its own. Whatever it raises, an exit included, is a refusal."""
    name = f"own_kinds_{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Refused("This is no Python file.")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Refused:
        del sys.modules[name]
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise Refused(f"It cannot be loaded: {type(error).__name__}{line}: {error}") from error
    return module


def _check(kind: type[Kind]) -> None:
    for name in ("key", "name", "description"):
        if not isinstance(getattr(kind, name, None), str):
            raise Refused(f"{kind.__name__} has no {name}.")
    if not KEY.fullmatch(kind.key):
        raise Refused(f"The key “{kind.key[:60]}” must be lower case letters, digits and _, at most 40.")
    if kind.key in registry.kinds():
        raise Refused(f"The key “{kind.key}” is that of another kind already.")
    try:
        made = kind()
    except (InvalidParameters, TypeError) as error:
        raise Refused(f"{kind.name} cannot be made with its own defaults: {error}") from None
    if not isinstance(made.warmup(), int):
        raise Refused(f"{kind.name}: warmup() must be a whole number.")


def _made(kind: type[Kind]) -> Iterator[Kind]:
    yield kind()
    generator, found = np.random.default_rng(SEED), 0
    for _ in range(20 * DRAWN):
        if found == DRAWN or not kind.params():
            return
        values = {}
        for name, param in kind.params().items():
            low, high, step = param.search
            place = int(generator.integers(0, round((high - low) / step) + 1))
            values[name] = type(param.default)(low + step * place)
        try:
            made = kind(**values)
        except InvalidParameters:
            continue
        found += 1
        yield made


def _read(verdicts: Path) -> dict[str, str]:
    try:
        known = json.loads(verdicts.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(verdicts: Path, now: Mapping[str, str]) -> None:
    try:
        verdicts.write_text(json.dumps(now))
    except OSError:
        return  # the next start proves them again
