"""The progress of a run, read and stopped by another thread."""

from collections.abc import Iterator
from itertools import cycle
from threading import Thread

import numpy as np
import pytest

from backtests.engine.kernel import PROGRESS_ROWS
from backtests.engine.price_matrix import make_price_matrix
from backtests.engine.progress import Progress, Stopped
from backtests.engine.results import Result
from backtests.engine.run import run_on
from backtests.engine.simulation import prepare_scenario
from tests.backtests.scripted import bars_of, day, days, flat, signals_of
from tradedesk.core.bars import Bars
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals

COUNT = 3 * PROGRESS_ROWS + 5
MATRIX = make_price_matrix({"X": bars_of(flat(10.0) * COUNT, days(COUNT))})
ACCOUNT = {"capital": 1_000.0, "rules": RiskRules(), "costs": Costs()}


def run(signals: Signals, progress: Progress) -> Result:
    return run_on(MATRIX, {"X": signals}, **ACCOUNT, progress=progress)  # type: ignore[arg-type]  # of three types


@pytest.mark.parametrize("buy", [[], [0], range(COUNT)])
def test_it_ends_with_all_rows_done(buy: list[int]) -> None:
    progress = Progress()
    run(signals_of(COUNT, buy), progress)
    assert (progress.done, progress.rows) == (COUNT, COUNT)


def test_a_run_that_is_stopped_before_it_starts_does_no_rows() -> None:
    progress = Progress()
    progress.stop()
    with pytest.raises(Stopped):
        run(signals_of(COUNT), progress)
    assert (progress.done, progress.rows) == (0, COUNT)


def test_rows_are_counted_from_the_start_of_the_backtest() -> None:
    bars = {"X": bars_of(flat(10.0) * 30, days(30))}
    progress = Progress()
    scenario = prepare_scenario(bars, **ACCOUNT, start=day(10))  # type: ignore[arg-type]  # of three types
    scenario.evaluate({"X": signals_of(30)}, progress)
    assert (progress.done, progress.rows) == (20, 20)


@pytest.mark.parametrize("busy", [False, True])
def test_another_thread_reads_the_progress_and_stops_the_run(busy: bool) -> None:
    """Fails if the kernel does not release the GIL: the other thread would then run only after the last row."""
    count = 2_000_000
    close = np.full(count, 10.0)
    time = np.datetime64("2000-01-03T15:00", "us") + np.arange(count) * np.timedelta64(1, "m")
    matrix = make_price_matrix({"X": Bars(time, close, close, close, close, close)})
    trades: Iterator[int] = cycle((1, 0, -1, 0) if busy else (0,))
    side = np.fromiter(trades, np.int8, count)
    progress = Progress()
    seen: list[int] = []

    def watch() -> None:
        while len(seen) < 3:
            if (seen[-1] if seen else 0) < progress.done < count:
                seen.append(progress.done)
        progress.stop()

    def run_until_stopped() -> None:
        while True:  # the watcher may miss a run or two
            run_on(matrix, {"X": Signals(side, np.ones(count))}, **ACCOUNT, progress=progress)  # type: ignore[arg-type]

    watcher = Thread(target=watch)
    watcher.start()
    with pytest.raises(Stopped):
        run_until_stopped()
    watcher.join()
    assert progress.done < progress.rows == count
