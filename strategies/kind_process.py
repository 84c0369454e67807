"""The process that runs the kinds of plugins: `python -m strategies.kind_process`.

A trader's own kind may do anything: raise, end its process, never return, take all memory. Here it ends only this
process, which strategies/isolated.py starts and asks. It reads requests from its standard input and writes an
answer to each, both pickled.
"""

import logging
import os
import pickle
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from strategies.kinds import InvalidParameters, Kind, Plugin
from strategies.plugins import load_kinds
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side, Signals

MEMORY = 4 * 1024**3
# Seconds after the time limit at which the system ends this process, should the desk have ended before.
LATEST = 5.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """bars: to run the kind on; None asks for its memory. explained: how many of the last rows of each symbol are
    explained. silent: the rows before the last `silent` ones are explained only where there is a signal."""

    plugin: Plugin
    key: str
    parameters: Mapping[str, Any]
    seconds: float
    bars: dict[str, Bars] | None = None
    explained: Mapping[str, int] | None = None
    silent: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """memory, or the signals and the explanations by symbol and row. failed: why there are none. refused: the
    errors of the parameters."""

    memory: int = 0
    signals: dict[str, Signals] | None = None
    explanations: dict[str, dict[int, str]] | None = None
    failed: str = ""
    refused: dict[str, str] | None = None


def answer(request: Request) -> Answer:
    try:
        kind = _kinds(request.plugin)[request.key](**request.parameters)
        if request.bars is None:
            return Answer(memory=int(kind.memory()))
        signals = {symbol: _plain(own) for symbol, own in kind.signals_by_symbol(request.bars).items()}
        return Answer(signals=signals, explanations=_explanations(kind, signals, request))
    except InvalidParameters as error:
        return Answer(refused=error.errors)
    except MemoryError:
        return Answer(failed=f"It needs more than {MEMORY // 1024**3} GB of memory.")
    except BaseException as error:
        return Answer(failed=str(error) or type(error).__name__)


@cache
def _kinds(plugin: Plugin) -> dict[str, type[Kind]]:
    return {kind.key: kind for kind in load_kinds(plugin.path, plugin.code)}


def _plain(signals: Signals) -> Signals:
    """Arrays alone, which any process can read."""
    lines = {str(name): np.asarray(line, np.float64) for name, line in signals.lines.items()}
    return Signals(np.asarray(signals.side), np.asarray(signals.strength, np.float64), lines)


def _explanations(kind: Kind, found: Mapping[str, Signals], request: Request) -> dict[str, dict[int, str]]:
    texts: dict[str, dict[int, str]] = {}
    for symbol, rows in (request.explained or {}).items():
        signals, own = found[symbol], texts.setdefault(symbol, {})
        count = len(signals)
        for t in range(max(0, count - rows), count):
            if t >= count - request.silent or signals.side[t] != Side.HOLD:
                try:
                    own[t] = str(kind.explain(signals, t))
                except BaseException:
                    # An explanation that fails must not hold back the signal that it explains.
                    log.warning("The kind %s could not explain its signal.", kind.key, exc_info=True)
    return texts


def main() -> None:
    with suppress(ImportError, ValueError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with suppress(OSError):  # Linux: when memory is short, this process ends before the desk
        Path("/proc/self/oom_score_adj").write_text("1000")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a kind prints is no answer
    pickle.dump(Answer(), answers)
    answers.flush()
    while True:
        try:
            request: Request = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the desk
        except EOFError:
            return
        _end_after(request.seconds + LATEST)
        found = answer(request)
        _end_after(0)
        pickle.dump(found, answers)
        answers.flush()


def _end_after(seconds: float) -> None:
    """Let the system end this process after so many seconds; 0 for never."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    from strategies.kind_process import main as serve  # so that the classes above have one name in both processes

    serve()
