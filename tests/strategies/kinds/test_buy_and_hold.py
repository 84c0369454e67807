"""Buy and hold: BUY on every bar, from the first."""

from strategies.kinds.buy_and_hold import BuyAndHold
from tests.strategies.kinds.series import bars_of


def test_golden_signals() -> None:
    kind = BuyAndHold()
    signals = kind.signals_by_symbol({"A": bars_of([10, 9, 8])})["A"]
    assert signals.side.tolist() == [1, 1, 1]
    assert signals.strength.tolist() == [1, 1, 1]
    assert signals.lines == {}
    assert "baseline" in kind.explain(signals, 0)
    assert kind.parameters == {}
