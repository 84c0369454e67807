"""Measures a new process to its first result, with compiled code cached on disk: `python -m bench.fresh`."""

import os
import subprocess
import sys
import time
from importlib.metadata import version
from statistics import median

REPEATS = 5
ENGINES = (("desk", "tradedesk"), ("peer_vectorbt", f"vectorbt {version('vectorbt')}"))
FIRST_RESULT = "import sys; from importlib import import_module; import_module(sys.argv[1]).run_pair(10, 30)"
ROW = "{:<24}{:>10}{:>9}\n"


def main() -> None:
    sys.stdout.write("\nA new process to its first backtest: start, imports, compiled code from disk, result\n\n")
    ours = 0.0
    for engine, name in ENGINES:
        seconds = median([time_first_result(engine) for _ in range(REPEATS + 1)][1:])
        ours = ours or seconds
        sys.stdout.write(ROW.format(name, f"{seconds:,.2f} s", f"{seconds / ours:,.1f}x"))


def time_first_result(engine: str) -> float:
    # Like a worker: Python caches its bytecode.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = time.perf_counter()
    command = [sys.executable, "-c", FIRST_RESULT, f"bench.{engine}"]
    subprocess.run(command, check=True, env=environment)  # noqa: S603 - this interpreter
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
