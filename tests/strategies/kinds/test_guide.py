"""docs/strategies.md: its example runs without changes and passes the same checks as the kinds that ship."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from strategies.checks import check_no_look_ahead, check_warmup
from strategies.kinds import Kind
from tests.strategies.kinds.series import SHAPES, bars_of, generated, stock

GUIDE = Path(__file__).parents[3] / "docs" / "strategies.md"


def example_kind() -> type[Kind]:
    """The class in the only Python block of the page, executed as a module."""
    (source,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    module = ModuleType("strategies.kinds.rate_of_change")
    exec(compile(source, str(GUIDE), "exec"), vars(module))
    kind = module.RateOfChange
    assert isinstance(kind, type)
    assert issubclass(kind, Kind)
    return kind


@pytest.mark.parametrize("symbol", ["AAPL", "FB"])
def test_both_checks_pass_on_sample_stocks(symbol: str) -> None:
    for run in (check_no_look_ahead, check_warmup):
        check = run(example_kind()(), stock(symbol), 1)
        assert check.passed, check.message
        assert check.checked > 50


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_both_checks_pass_on_generated_series(shape: str) -> None:
    for run in (check_no_look_ahead, check_warmup):
        check = run(example_kind()(period=7), generated(shape, 5, 600), 1)
        assert check.passed, check.message


def test_it_signals_and_explains() -> None:
    # by hand: over 2 bars the close changes by 0, -10, -10, +11.11 and +33.33 percent from bar 2 on
    kind = example_kind()(period=2)
    signals = kind.signals_by_symbol({"A": bars_of([10, 10, 10, 9, 9, 10, 12])})["A"]
    assert signals.side.tolist() == [0, 0, 0, -1, 0, 1, 0]
    assert [kind.explain(signals, t) for t in (2, 3, 4, 5)] == [
        "Warming up: 3 of 4 bars",
        "The change over 2 bars (-10.00%) turned negative",
        "The change over 2 bars (-10.00%) did not change sign",
        "The change over 2 bars (+11.11%) turned positive",
    ]
