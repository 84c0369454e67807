"""TA-Lib comes without pandas, whatever else is installed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def answer_of(code: str) -> str:
    """What a fresh Python prints."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ).stdout


def test_the_kinds_do_not_load_pandas() -> None:
    code = "import sys, strategies.kinds.averages; print('talib' in sys.modules, 'pandas' in sys.modules)"
    assert answer_of(code) == "True False\n"


def test_pandas_stays_as_it_is_for_those_who_have_it() -> None:
    code = "import pandas, sys; import strategies.kinds.averages; print(sys.modules['pandas'] is pandas)"
    assert answer_of(code) == "True\n"
