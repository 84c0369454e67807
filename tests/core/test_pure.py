"""A notebook or a benchmark can import the core and the engine without Django or a queue."""

import subprocess
import sys

HEAVY = {"django", "celery", "kombu", "redis", "pyarrow", "optuna", "pandas"}


def test_the_engine_imports_neither_django_nor_a_queue() -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, backtests.engine.simulation, backtests.research.optimizer.sweep; print(*sys.modules)",
        ],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert HEAVY & set(loaded.stdout.split()) == set()
