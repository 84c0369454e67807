"""docs/strategies.md: the kind it shows works as it stands there, and is checked like those that ship."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from strategies.checks import check_no_look_ahead, check_warmup
from strategies.kinds import Kind
from tests.strategies.kinds.series import SHAPES, bars_of, generated, stock

GUIDE = Path(__file__).parents[3] / "docs" / "strategies.md"


def shown_kind() -> type[Kind]:
    """The class in the page's only Python block, run as the module that it would be."""
    (source,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    module = ModuleType("strategies.kinds.rate_of_change")
    exec(compile(source, str(GUIDE), "exec"), vars(module))
    kind = module.RateOfChange
    assert isinstance(kind, type)
    assert issubclass(kind, Kind)
    return kind


@pytest.mark.parametrize("symbol", ["AAPL", "FB"])
def test_both_proofs_pass_on_sample_stocks(symbol: str) -> None:
    for prove in (check_no_look_ahead, check_warmup):
        check = prove(shown_kind()(), stock(symbol), 1)
        assert check.passed, check.message
        assert check.checked > 50


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_both_proofs_pass_on_generated_series(shape: str) -> None:
    for prove in (check_no_look_ahead, check_warmup):
        check = prove(shown_kind()(period=7), generated(shape, 5, 600), 1)
        assert check.passed, check.message


def test_it_signals_and_explains() -> None:
    # by hand: over 2 bars the close changes by 0, -10, -10, +11.11 and +33.33 percent from bar 2 on
    kind = shown_kind()(period=2)
    signals = kind.signals_by_symbol({"A": bars_of([10, 10, 10, 9, 9, 10, 12])})["A"]
    assert signals.side.tolist() == [0, 0, 0, -1, 0, 1, 0]
    assert [kind.explain(signals, t) for t in (2, 3, 4, 5)] == [
        "Warming up: 3 of 4 bars",
        "The change over 2 bars (-10.00%) turned negative",
        "The change over 2 bars (-10.00%) has not changed sign",
        "The change over 2 bars (+11.11%) turned positive",
    ]
