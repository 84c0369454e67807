"""Plugins: a trader's own strategy kinds, in Python files that are loaded and checked at start.

A file that cannot be loaded, or that fails a check, is listed with the reason; everything else keeps working.
Plugins are code that the administrator of the desk installs: they run with the permissions of the desk.

A new file is loaded and checked in a process of its own first (prove.py), which is stopped after TIME_LIMIT
seconds: a file that ends its process, never returns or takes all memory is listed with the reason. Only one that
has passed is loaded here. That has a limit, too, where there are POSIX signals.
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
from strategies.prove import prove
from tradedesk.core.bars import Bars

KEY_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,39}")
SEED = 7
# Random combinations from the search ranges that are checked besides the defaults.
RANDOM_COMBINATIONS = 3
BARS = 1500
STOCKS = ("AAPL", "IBM")
TIME_LIMIT = 120.0  # seconds; far more than a file without an endless loop needs


class InvalidPlugin(Exception):
    """Why a file cannot be used; the message is for its author."""


class TookTooLong(BaseException):
    """Loading and checking passed the time limit. A BaseException, because a check reports every Exception as the
    file's own, and this one may only mean that the machine is busy."""


@dataclass(frozen=True, slots=True)
class PluginFile:
    """A file in the plugin folder. keys: of its kinds, when they can be used; reason: why they cannot, else ""."""

    name: str
    keys: tuple[str, ...] = ()
    reason: str = ""

    @property
    def kind_names(self) -> str:
        known = registry.kinds()
        return ", ".join(known[key].name for key in self.keys if key in known)


@dataclass(frozen=True, slots=True)
class PluginCheck:
    """One check of one kind: with these parameters, on this series of bars."""

    parameters: dict[str, int | float]
    series: str
    name: str
    result: Check


_files: list[PluginFile] = []


def plugin_files() -> list[PluginFile]:
    """The files that were found at start, by name."""
    return list(_files)


def load_plugins(folder: Path, results_file: Path, time_limit: float = TIME_LIMIT) -> None:
    """Load every Python file in the folder that passes its checks.

    results_file: a JSON file with earlier results, so that unchanged files need no check; a missing or damaged one
    only costs time. time_limit: seconds for each file.
    """
    registry.remove_plugins()
    _files.clear()
    known = _read_results(results_file)
    current: dict[str, str] = {}
    for path in sorted(folder.glob("*.py")):
        _files.append(_load_and_check(path, known, current, time_limit))
    if current != known:
        _write_results(results_file, current)


def load_kinds(path: Path, code: bytes | None = None) -> list[type[Kind]]:
    """The strategy kinds in a file. code: what is in it, None to read it. Raises InvalidPlugin with the reason."""
    module = _import_file(path, path.read_bytes() if code is None else code)
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Kind) and value.__module__ == module.__name__
    ]
    if not found:
        raise InvalidPlugin("The file has no strategy kind: a class derived from Kind.")
    for kind in found:
        _validate_kind(kind)
    return found


def run_checks(
    kind: type[Kind], parameters: Mapping[str, int | float | str] | None = None
) -> Iterator[PluginCheck]:
    """Both checks, with these parameters or else with the defaults and some random combinations.

    They run on sample stocks and on a random walk; for a kind that ranks symbols, on all sample stocks together.
    """
    # Imported here because it loads pyarrow, which a start with unchanged plugins does not need.
    from tradedesk.marketdata.samples import FINGERPRINTS, sample_bars

    samples = {symbol: sample_bars(symbol)[-BARS:] for symbol in FINGERPRINTS}
    single = {symbol: samples[symbol] for symbol in STOCKS} | {"random walk": plugin_test_bars()}
    data: dict[str, Bars | dict[str, Bars]] = {"all samples": samples} if kind.across_symbols else {**single}
    for configured in [kind(**parameters)] if parameters is not None else _configurations(kind):
        values = configured.parameters
        for series, bars in data.items():
            yield PluginCheck(values, series, "no look-ahead", check_no_look_ahead(configured, bars, SEED))
            if configured.warmup() < BARS:
                yield PluginCheck(values, series, "warm-up", check_warmup(configured, bars, SEED))


def plugin_test_bars() -> Bars:
    generator = np.random.default_rng(SEED)
    close = np.round(50.0 * np.exp(np.cumsum(generator.normal(0.0, 0.02, BARS))), 2)
    time = np.datetime64("2000-01-03T05:00", "us") + np.arange(BARS).astype("timedelta64[D]")
    spread = 1.0 + np.abs(generator.normal(0.0, 0.01, BARS))
    return Bars(time, close, close * spread, close / spread, close, np.full(BARS, 1000.0))


def _load_and_check(
    path: Path, known: Mapping[str, str], current: dict[str, str], time_limit: float
) -> PluginFile:
    try:
        code = path.read_bytes()
        checked = sha256(code).hexdigest() + registry.folder_hash()
        reason = known.get(checked)
        if reason is None:
            reason = prove(path, time_limit)
        current[checked] = reason
        if reason:
            return PluginFile(path.name, reason=reason)
        with _time_limit(time_limit):
            found = load_kinds(path, code)
        registry.add_plugins(found, registry.Plugin(path, code))
        return PluginFile(path.name, keys=tuple(kind.key for kind in found))
    except (InvalidPlugin, TookTooLong, OSError, ValueError) as error:
        return PluginFile(path.name, reason=str(error))


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raises TookTooLong in the body after this many seconds; no limit without SIGALRM or in another thread."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TookTooLong(f"Loading and checking took longer than {seconds:g} s. Is there an endless loop?")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)  # repeats, because the file may catch the exception
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def failures(found: Iterable[type[Kind]]) -> Iterator[str]:
    """Each check that one of these kinds fails, as a sentence for its author."""
    for kind in found:
        for check in run_checks(kind):
            if not check.result.passed:
                values = ", ".join(registry.parameter_texts(kind, check.parameters)) or "no parameters"
                failed = f"{kind.name} ({values}) fails the {check.name} check on {check.series}."
                yield f"{failed} {check.result.message}"


def _import_file(path: Path, code: bytes) -> ModuleType:
    """This code of the file as a module. Every exception in it but TookTooLong becomes InvalidPlugin, also
    SystemExit and other BaseExceptions."""
    name = f"strategy_plugin_{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None:
        raise InvalidPlugin("This is not a Python file.")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        exec(compile(code, path, "exec"), module.__dict__)  # noqa: S102 - the administrator installed it
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, TookTooLong):
            raise
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise InvalidPlugin(f"The file cannot be loaded: {type(error).__name__}{line}: {error}") from error
    return module


def _validate_kind(kind: type[Kind]) -> None:
    for name in ("key", "name", "description"):
        if not isinstance(getattr(kind, name, None), str):
            raise InvalidPlugin(f"{kind.__name__} has no {name}.")
    if not KEY_PATTERN.fullmatch(kind.key):
        raise InvalidPlugin(
            f"The key “{kind.key[:60]}” must start with a lower-case letter and have at most 40 lower-case "
            "letters, digits and underscores."
        )
    if kind.key in registry.kinds():
        raise InvalidPlugin(f"The key “{kind.key}” is already used by another kind.")
    try:
        warmup, memory = kind().warmup(), kind().memory()
    except Exception as error:  # the author's code may raise anything
        message = f"{type(error).__name__}: {error}"
        raise InvalidPlugin(f"{kind.name} cannot be created with its default parameters: {message}") from None
    for name, bars in (("warmup", warmup), ("memory", memory)):
        if not isinstance(bars, int):
            raise InvalidPlugin(f"{kind.name}: {name}() must return a whole number.")


def _configurations(kind: type[Kind]) -> Iterator[Kind]:
    """The kind with its defaults, then with RANDOM_COMBINATIONS valid combinations from its search ranges."""
    yield kind()
    generator, found = np.random.default_rng(SEED), 0
    for _ in range(20 * RANDOM_COMBINATIONS):
        if found == RANDOM_COMBINATIONS or not kind.params():
            return
        values = {}
        for name, param in kind.params().items():
            low, high, step = param.search
            index = int(generator.integers(0, round((high - low) / step) + 1))
            values[name] = type(param.default)(low + step * index)
        try:
            configured = kind(**values)
        except InvalidParameters:
            continue
        found += 1
        yield configured


def _read_results(results_file: Path) -> dict[str, str]:
    try:
        known = json.loads(results_file.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write_results(results_file: Path, current: Mapping[str, str]) -> None:
    try:
        results_file.write_text(json.dumps(current))
    except OSError:
        return  # the next start runs the checks again
