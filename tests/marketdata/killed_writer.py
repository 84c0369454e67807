"""Kills a writer of bars at every line: `python -m tests.marketdata.killed_writer`, with DESK_DATA_DIR.

Each scenario changes a series. A child process does it and kills itself (SIGKILL) before the n-th line that it
executes in the modules that write, for n = 1, 2, ... until it lives to its end. After each kill a reader must
get exactly the bars before or after the change, and the same change made again must succeed. A later import then
leaves nothing but the files of the series. Prints how many kills left the old and the new bars, as JSON.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection

django.setup()

from tests.marketdata.examples import minute_bars  # noqa: E402 - Django is set up first
from tradedesk.core.bars import Bars  # noqa: E402 - Django is set up first
from tradedesk.marketdata import appending, bar_folder, files, series, store  # noqa: E402 - Django is set up first
from tradedesk.marketdata.appending import append_bars  # noqa: E402 - Django is set up first
from tradedesk.marketdata.library import CACHE, load_bars  # noqa: E402 - Django is set up first
from tradedesk.marketdata.models import BarSeries  # noqa: E402 - Django is set up first
from tradedesk.marketdata.series import SeriesKey, save_series  # noqa: E402 - Django is set up first

SOURCES = {module.__file__ for module in (appending, bar_folder, files, series)}
KEY = SeriesKey("csv", "ACME", "1Min")
BARS = minute_bars(12, "2012-12-31T23:54")  # half of them in the next year
STORED = 9  # six in the history, three in the tail
FOLDER, SNAPSHOT = Path(settings.DATA_DIR), Path(settings.DATA_DIR).with_name("snapshot")


def append_to_the_tail() -> Bars:
    append_bars(KEY, BARS, adjusted=True, now=datetime.now(UTC))
    return BARS


def compact() -> Bars:
    vars(appending)["TAIL_BARS"] = 4
    return append_to_the_tail()


def import_corrected_bars() -> Bars:
    volume = BARS.volume + 1
    corrected = Bars(BARS.time, BARS.open, BARS.high, BARS.low, BARS.close, volume)
    row = BarSeries.objects.get()
    save_series(KEY, corrected, adjusted=True, stored=row, now=datetime.now(UTC))
    return corrected


def main() -> None:
    call_command("migrate", "marketdata", verbosity=0)
    save_series(KEY, BARS[:6], adjusted=True, stored=None, now=datetime.now(UTC))
    append_bars(KEY, BARS[:STORED], adjusted=True, now=datetime.now(UTC))
    connection.close()
    shutil.copytree(FOLDER, SNAPSHOT)
    print(json.dumps({change.__name__: kill_at_every_line(change) for change in SCENARIOS}))


def kill_at_every_line(change: Callable[[], Bars]) -> dict[str, int]:
    """The number of kills after which the series had its old bars, and its new ones."""
    found = {"before": 0, "after": 0}
    for line in count(1):
        shutil.rmtree(FOLDER)
        shutil.copytree(SNAPSHOT, FOLDER)
        killed = runs_until(line, change)
        left = stored_fingerprint()
        expected = store.fingerprint_of(change())
        assert left in (store.fingerprint_of(BARS[:STORED]), expected), f"a mix after line {line}"
        assert stored_fingerprint() == expected, f"not repeated after line {line}"
        delete_left_overs()
        connection.close()
        if not killed:
            return found
        found["after" if left == expected else "before"] += 1
    raise AssertionError


def runs_until(line: int, change: Callable[[], Bars]) -> bool:
    """Make the change in a child that kills itself before its n-th line. Returns whether it was killed."""
    child = os.fork()
    if child == 0:
        lines = count(1)

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            if frame.f_code.co_filename not in SOURCES:
                return None
            if event == "line" and next(lines) == line:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        change()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), f"the child ended with {status}"
    return status != 0


def stored_fingerprint() -> str:
    CACHE.clear()
    return store.fingerprint_of(load_bars(None, KEY.symbol, KEY.timeframe))


def delete_left_overs() -> None:
    """An import two hours later leaves only the files of the series."""
    row = BarSeries.objects.get()
    later = datetime.now(UTC) + timedelta(hours=2)
    saved = save_series(KEY, BARS, adjusted=True, stored=row, now=later)
    left = {str(file.relative_to(FOLDER / "bars")) for file in (FOLDER / "bars").rglob("*") if file.is_file()}
    assert left == set(saved.paths), left


SCENARIOS = (append_to_the_tail, compact, import_corrected_bars)

if __name__ == "__main__":
    main()
