"""TA-Lib is imported without pandas, even if pandas is installed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def output_of(code: str) -> str:
    """The output of this code in a new Python process."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ).stdout


def test_the_kinds_do_not_load_pandas() -> None:
    code = "import sys, strategies.kinds.averages; print('talib' in sys.modules, 'pandas' in sys.modules)"
    assert output_of(code) == "True False\n"


def test_pandas_stays_loaded_if_it_was_imported_before() -> None:
    code = "import pandas, sys; import strategies.kinds.averages; print(sys.modules['pandas'] is pandas)"
    assert output_of(code) == "True\n"
