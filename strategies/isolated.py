"""Run the kinds of plugins in processes of their own, with a time limit: see kind_process.py.

Live checks use it, because a kind that hangs or ends its process must not stop the checks of others.
"""

import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, cast

from strategies.kind_process import Answer, Request
from strategies.kinds import InvalidParameters, Plugin, kinds
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Signals

# Of one process of the desk, so that one kind that hangs leaves one.
PROCESSES = 2
# How long to wait for a free process, and for a new one to start.
TURN_SECONDS, START_SECONDS = 1.0, 20.0


class IsolatedKindFailed(Exception):
    """The kind raised, ended its process or took too long. The message is a sentence for its author."""


class NoTurn(Exception):
    """All processes are busy with other kinds. Nothing was run; try again later."""


def took_too_long(seconds: float) -> str:
    return f"It took longer than {seconds:g} s."


class _Process:
    """A child process. After a failure it has ended."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "strategies.kind_process"]
        self.child = subprocess.Popen(  # noqa: S603 - this interpreter and this module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            self._read(START_SECONDS)
        except (IsolatedKindFailed, TimeoutError) as error:
            raise OSError("The process for strategies of plugins did not start.") from error

    def ask(self, request: Request) -> Answer:
        """Raises IsolatedKindFailed, and TimeoutError when there is no answer in time."""
        return self._read(request.seconds, pickle.dumps(request))

    def _read(self, seconds: float, sent: bytes = b"") -> Answer:
        requests, answers = cast("IO[bytes]", self.child.stdin), cast("IO[bytes]", self.child.stdout)
        late = threading.Event()

        def stop() -> None:
            late.set()
            self.child.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            requests.write(sent)
            requests.flush()
            found: Answer = pickle.load(answers)  # noqa: S301 - plugins have the permissions of the desk
        except Exception as error:
            self.end()
            if late.is_set():
                raise TimeoutError from error
            raise IsolatedKindFailed(f"It ended its process with exit code {self.child.returncode}.") from error
        finally:
            timer.cancel()
        return found

    def end(self) -> None:
        self.child.kill()
        self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # what was not sent to a process that has ended


_places: "queue.LifoQueue[_Process | None]" = queue.LifoQueue()


def _set_up() -> None:
    """Processes belong to the process that has started them; a fork begins without any."""
    global _places
    _places = queue.LifoQueue()
    for _ in range(PROCESSES):
        _places.put(None)


_set_up()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_set_up)


def end_processes() -> None:
    """End the idle processes; the next request starts one."""
    for _ in range(PROCESSES):
        process = _places.get()
        if process is not None:
            process.end()
    _set_up()


@contextmanager
def _process() -> Iterator[_Process]:
    """A process for one request. Raises NoTurn."""
    try:
        process = _places.get(timeout=TURN_SECONDS)
    except queue.Empty:
        raise NoTurn("Other strategies of plugins are being checked.") from None
    try:
        if process is None or process.child.poll() is not None:
            process = None
            process = _Process()
        yield process
    finally:
        _places.put(process)


class IsolatedKind:
    """A kind of a plugin with its parameters, with what a live check needs of a Kind.

    seconds: the time limit of all calls since `begin`. The calls raise IsolatedKindFailed, NoTurn,
    InvalidParameters and, when no process can be started, OSError.
    """

    def __init__(self, key: str, parameters: Mapping[str, Any], plugin: Plugin, seconds: float) -> None:
        declared = kinds()[key]
        self.key, self.name, self.across_symbols = key, declared.name, declared.across_symbols
        self.parameters, self.plugin, self.seconds = dict(parameters), plugin, seconds
        self._left = seconds
        self._explanations: dict[int, tuple[Signals, dict[int, str]]] = {}

    def begin(self) -> None:
        """The time limit begins anew."""
        self._left = self.seconds

    def memory(self) -> int:
        return self._ask().memory

    def run(self, bars: Mapping[str, Bars], explained: Mapping[str, int], silent: int) -> dict[str, Signals]:
        """The normalized signals. explained, silent: see Request."""
        found = self._ask(bars=dict(bars), explained=explained, silent=silent)
        signals = found.signals or {}
        for symbol, texts in (found.explanations or {}).items():
            self._explanations[id(signals[symbol])] = signals[symbol], texts
        return signals

    def explain(self, signals: Signals, t: int) -> str:
        """The explanation that came with these signals; "" where there is none."""
        return self._explanations[id(signals)][1].get(t, "")

    def _ask(self, **wanted: Any) -> Answer:
        if self._left <= 0:
            raise IsolatedKindFailed(took_too_long(self.seconds))
        request = Request(self.plugin, self.key, self.parameters, self._left, **wanted)
        with _process() as process:
            began = time.monotonic()
            try:
                found = process.ask(request)
            except TimeoutError:
                raise IsolatedKindFailed(took_too_long(self.seconds)) from None
            self._left -= time.monotonic() - began
        if found.refused is not None:
            raise InvalidParameters(found.refused)
        if found.failed:
            raise IsolatedKindFailed(found.failed)
        return found
