"""Compares the engine with backtesting.py and vectorbt and prints a table: `python -m bench.backtest`."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from typing import Any

from bench.task import SWEEP

# backtesting.py would take minutes for all combinations: it does fifty, and its time is multiplied.
SOME = 50
CONTENDERS = (
    ("desk", "tradedesk", len(SWEEP)),
    ("peer_vectorbt", f"vectorbt {version('vectorbt')}", len(SWEEP)),
    ("peer_backtesting", f"backtesting.py {version('backtesting')}", SOME),
)
ROW = "{:<24}{:>12}{:>9}{:>13}{:>9}{:>16}\n"


def main() -> None:
    heading("One backtest: SMA 10/30 on AAPL, daily bars 2000 to 2013, with trades and metrics")
    table("one", 1)
    heading(f"{len(SWEEP):,} backtests: SMA 2..51 x 52..151 on AAPL")
    table("sweep", len(SWEEP))
    sys.stdout.write(
        "\nMedian of five after a warm-up; each engine in a process of its own, memory is that process's peak.\n"
        "Trades and equity are those of the last combination done: the three agree but for the size of a fill.\n"
        f"* {SOME} evenly spaced combinations, multiplied to {len(SWEEP):,}; its last one is another.\n"
    )


def heading(text: str) -> None:
    sys.stdout.write(f"\n{text}\n" + ROW.format("", "time", "ratio", "peak memory", "trades", "final equity"))


def table(task: str, combinations: int) -> None:
    ours = 0.0
    for engine, name, most in CONTENDERS:
        found = measured(engine, task, min(combinations, most))
        scale = combinations / found["combinations"]
        seconds = found["seconds"] * scale
        ours = ours or seconds
        sys.stdout.write(
            ROW.format(
                name + ("*" if scale > 1 else ""),
                f"{seconds * 1e3:,.2f} ms" if seconds < 1 else f"{seconds:,.2f} s",
                f"{seconds / ours:,.0f}x",
                f"{found['megabytes']:,.0f} MB",
                found["trades"],
                f"${found['final_equity']:,.2f}",
            )
        )
        sys.stdout.flush()


def measured(engine: str, task: str, combinations: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.measure", engine, task, str(combinations)]
    quiet = {**os.environ, "TQDM_DISABLE": "1"}  # no progress bars of the peers between our lines
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=quiet)  # noqa: S603
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    main()
