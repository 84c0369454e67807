"""The core and the engine stand alone: a notebook or a benchmark that takes them brings no web server along."""

import subprocess
import sys

HEAVY = {"django", "celery", "kombu", "redis", "pyarrow", "optuna", "pandas"}


def test_the_engine_brings_neither_django_nor_a_queue() -> None:
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
