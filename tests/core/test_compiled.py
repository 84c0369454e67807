"""Compiled functions load numba when the first one is called."""

import subprocess
import sys

from tradedesk.core.compiled import Compiled, njit

MODULES = "import backtests.engine.simulation, strategies.kinds, tradedesk.core.fills"


@njit()
def twice(value: float) -> float:
    return 2 * value


@njit()
def twice_and_one(value: float) -> float:
    return twice(value) + 1


def test_modules_with_compiled_functions_are_imported_without_numba() -> None:
    code = f"{MODULES}; import sys; print({{'numba', 'llvmlite'}} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert printed.stdout.strip() == "set()"


def test_a_compiled_function_calls_another_and_both_stay_python_functions_too() -> None:
    assert isinstance(twice, Compiled)
    assert twice_and_one(1.5) == twice_and_one.py_func(1.5) == 4.0
    assert twice_and_one.dispatcher() is twice_and_one.dispatcher()
