"""Compares the engine with other libraries, a table for each task: `python -m bench.backtest [TASK ...]`."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from typing import Any

from bench.measure import sampled_pairs
from bench.task import MINUTES, PAIR, POSITIONS, SESSIONS, SLOWER, SWEEP, SYMBOLS, daily

# backtesting.py would take minutes for all combinations: it runs fifty, and its time is multiplied.
SAMPLED = 50
DESK, RAPTORBT, VECTORBT = "desk", "peer_raptorbt", "peer_vectorbt"
BACKTESTING, BACKTRADER = "peer_backtesting", "peer_backtrader"
NAMES = {
    DESK: "tradedesk",
    RAPTORBT: f"raptorbt {version('raptorbt')}",
    VECTORBT: f"vectorbt {version('vectorbt')}",
    BACKTESTING: f"backtesting.py {version('backtesting')}",
    BACKTRADER: f"backtrader {version('backtrader')}",
}
TASKS = {
    "single": (
        (
            f"One backtest: SMA {PAIR[0]}/{PAIR[1]} on {len(daily()):,} daily bars of AAPL, "
            "signals, trades and metrics"
        ),
        (DESK, RAPTORBT, VECTORBT, BACKTESTING, BACKTRADER),
    ),
    "million": (
        f"One backtest: SMA {SLOWER[0]}/{SLOWER[1]} on {MINUTES:,} one-minute bars, signals, trades and metrics",
        (DESK, RAPTORBT, VECTORBT, BACKTESTING),
    ),
    "sweep": (
        f"{len(SWEEP):,} backtests: SMA 2..51 x 52..151 on AAPL, with the figures of each",
        (DESK, RAPTORBT, VECTORBT, BACKTESTING),
    ),
    "portfolio": (
        f"One account: {SYMBOLS} symbols x {SESSIONS:,} bars, about {POSITIONS} positions, signals to metrics",
        (DESK, RAPTORBT, VECTORBT),
    ),
}
ROW = "{:<24}{:>12}{:>9}{:>13}{:>9}{:>16}\n"


def main(tasks: list[str]) -> None:
    for task in tasks or TASKS:
        table(task)
    sys.stdout.write(
        "\nMedian of five after a warm-up; each engine has its own process, and the memory is its peak.\n"
        "Trades and equity are of the last backtest. They differ only by the size of a fill, and backtrader\n"
        "handles a tie of two averages differently.\n"
        f"* {SAMPLED} evenly spaced combinations, scaled to {len(SWEEP):,}; its last backtest differs.\n"
    )


def table(task: str) -> None:
    title, engines = TASKS[task]
    sys.stdout.write(f"\n{title}\n" + ROW.format("", "time", "ratio", "peak memory", "trades", "final equity"))
    ours = 0.0
    measure_engine(DESK, task, len(SWEEP))  # compiles what is not cached yet, which takes memory
    for engine in engines:
        scaled = task == "sweep" and engine == BACKTESTING
        found = measure_engine(engine, task, SAMPLED if scaled else len(SWEEP))
        seconds = found["seconds"] * (len(SWEEP) / len(sampled_pairs(SAMPLED)) if scaled else 1)
        ours = ours or seconds
        sys.stdout.write(
            ROW.format(
                NAMES[engine] + ("*" if scaled else ""),
                f"{seconds * 1e3:,.2f} ms" if seconds < 1 else f"{seconds:,.2f} s",
                f"{seconds / ours:,.0f}x",
                f"{found['megabytes']:,.0f} MB",
                found["trades"],
                f"${found['final_equity']:,.2f}",
            )
        )
        sys.stdout.flush()


def measure_engine(engine: str, task: str, combinations: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.measure", engine, task, str(combinations)]
    environment = {**os.environ, "TQDM_DISABLE": "1"}  # without the progress bars of other libraries
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - this interpreter
    measurement: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measurement


if __name__ == "__main__":
    main(sys.argv[1:])
