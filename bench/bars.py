"""Measures one more minute bar on a series of 1,000,000 bars: `python -m bench.bars`.

Against the whole rewrite: read the file of all bars, add the bar, hash and write them again. On SQLite, in a
temporary data folder, each measurement in its own process.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from tradedesk.core.bars import Bars, Times, to_datetime64

if TYPE_CHECKING:
    from tradedesk.marketdata.models import BarSeries

BARS = 1_000_000
MINUTES = 390  # of a session
TAIL = 500
REPEATS = 15
ROW = "{:<58}{:>12}{:>10}\n"
WHOLE = "csv/WHOLE/1Min.all.parquet"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tradedesk-bench-") as folder:
        measure("prepare", folder)
        rewritten, appended, compacted, loaded = (
            measure(name, folder) for name in ("rewrite", "append", "compact", "load")
        )
    sys.stdout.write(f"\nOne more minute bar on a series of {BARS:,} bars\n\n")
    ratio = rewritten["seconds"] / appended["seconds"]
    for label, found in {
        "append_bars, with a tail of 500 bars": appended,
        "append_bars that makes a tail of 1,000 bars history": compacted,
        "the whole rewrite": rewritten,
        "load_bars after a new bar, the history in memory": loaded,
    }.items():
        sys.stdout.write(ROW.format(label, f"{found['seconds'] * 1000:,.2f} ms", f"+{found['megabytes']:,.0f} MB"))
    sys.stdout.write(f"\nThe whole rewrite costs {ratio:,.0f} times as much as append_bars.\n")


def measure(name: str, folder: str) -> dict[str, float]:
    """The median time of the task in seconds, and by how much it raised the peak memory of its process."""
    environment = {**os.environ, "DESK_DATA_DIR": folder, "DATABASE_URL": "", "BARS_URL": ""}
    environment["DJANGO_SETTINGS_MODULE"] = "tradedesk.settings.test"
    command = [sys.executable, "-m", "bench.bars", name]
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE)  # noqa: S603 - this interpreter
    found: dict[str, float] = json.loads(done.stdout)
    return found


def task(name: str) -> dict[str, float]:
    import django

    django.setup()
    return {"prepare": prepare, "append": append, "compact": compact, "rewrite": rewrite, "load": load}[name]()


def prepare() -> dict[str, float]:
    """A series with a history and a tail of 500 bars, and the same bars in one file."""
    from django.core.management import call_command

    from tradedesk.marketdata import store

    call_command("migrate", "marketdata", verbosity=0)
    days = np.arange("2010-01-04", "2030-01-01", dtype="datetime64[D]")
    days = days[np.is_busday(days)][: -(-BARS // MINUTES)]
    opens = days.astype("datetime64[us]") + np.timedelta64(14 * 60 + 30, "m")
    minutes = np.arange(MINUTES).astype("timedelta64[m]")
    bars = bars_at(np.add.outer(opens, minutes).ravel()[:BARS])
    add(bars[:-TAIL])
    add(bars[-TAIL:])
    store.write(WHOLE, bars)
    return {}


def append() -> dict[str, float]:
    return timed(lambda: add(next_minutes(1)))


def compact() -> dict[str, float]:
    from tradedesk.marketdata.parts import TAIL_BARS

    def fill_the_tail() -> None:
        tail = stored_series().tail
        add(next_minutes(TAIL_BARS - (tail.length if tail else 0)))

    return timed(lambda: add(next_minutes(1)), before=fill_the_tail)


def rewrite() -> dict[str, float]:
    from tradedesk.marketdata import store
    from tradedesk.marketdata.bar_folder import read_file
    from tradedesk.marketdata.merging import merge_bars

    fingerprint = store.fingerprint_of(store.decode(read_file(WHOLE)))

    def whole() -> None:
        nonlocal fingerprint
        bars = merge_bars(store.read(WHOLE, fingerprint), next_minutes(1)).bars
        fingerprint = store.fingerprint_of(bars)
        store.write(WHOLE, bars)

    return timed(whole)


def load() -> dict[str, float]:
    from tradedesk.marketdata.library import load_bars

    load_bars(None, "ACME", "1Min")
    return timed(lambda: load_bars(None, "ACME", "1Min"), before=lambda: add(next_minutes(1)))


def timed(run: Callable[[], object], before: Callable[[], object] = lambda: None) -> dict[str, float]:
    """The median after a warm-up, in seconds, and by how many megabytes the peak memory grew."""
    # So that nothing but the task is measured: the first bar loads code.
    add(next_minutes(1))
    small = peak_megabytes()
    timings = []
    for _ in range(REPEATS + 1):
        before()
        started = perf_counter()
        run()
        timings.append(perf_counter() - started)
    return {"seconds": median(timings[1:]), "megabytes": peak_megabytes() - small}


def add(bars: Bars) -> None:
    from django.utils import timezone

    from tradedesk.marketdata.appending import append_bars
    from tradedesk.marketdata.series import SeriesKey

    append_bars(SeriesKey("csv", "ACME", "1Min"), bars, adjusted=True, now=timezone.now())


def next_minutes(count: int) -> Bars:
    last = to_datetime64(stored_series().last)
    return bars_at(last + np.arange(1, count + 1) * np.timedelta64(1, "m"))


def stored_series() -> "BarSeries":
    from tradedesk.marketdata.models import BarSeries

    return BarSeries.objects.get()


def bars_at(times: Times) -> Bars:
    """Bars at these times, with a random walk of prices."""
    generator = np.random.default_rng(len(times))
    close = np.round(50 * np.exp(np.cumsum(generator.normal(0, 2e-4, len(times)))), 2)
    volume = generator.integers(100, 10_000, len(times)).astype(np.float64)
    return Bars(times, close, close + 0.01, close - 0.01, close, volume)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(task(sys.argv[1])))
    else:
        main()
