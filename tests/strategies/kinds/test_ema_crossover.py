"""EMA crossover: computed by hand, on ties, and the warm-up."""

import pytest

from strategies.kinds import InvalidParameters
from strategies.kinds.ema_crossover import EmaCrossover
from tests.strategies.kinds.series import bars_of

WARM = [10.0] * 12  # both averages are then 10, and the warm-up of EMA 2 and EMA 3 is complete


def test_golden_signals() -> None:
    # by hand: each average moves by 2/3 (EMA 2) or 1/2 (EMA 3) of its distance to the new close
    kind = EmaCrossover(fast=2, slow=3)
    signals = kind.signals_by_symbol({"A": bars_of([*WARM, 13, 13, 7, 7])})["A"]
    assert signals.lines["EMA 2"][11:] == pytest.approx([10, 12, 38 / 3, 80 / 9, 206 / 27])
    assert signals.lines["EMA 3"][11:] == pytest.approx([10, 11.5, 12.25, 9.625, 8.3125])
    assert signals.side[11:].tolist() == [0, 1, 0, -1, 0]
    assert signals.strength[11:].tolist() == [0, 1, 0, 1, 0]
    assert [kind.explain(signals, t) for t in (10, 11, 12, 13, 14, 15)] == [
        "Warming up: 11 of 12 bars",
        "EMA 2 (10.00) equals EMA 3 (10.00)",
        "EMA 2 (12.00) crossed above EMA 3 (11.50)",
        "EMA 2 (12.67) is above EMA 3 (12.25)",
        "EMA 2 (8.89) crossed below EMA 3 (9.62)",
        "EMA 2 (7.63) is below EMA 3 (8.31)",
    ]


def test_an_average_begins_with_the_mean_of_its_first_closes() -> None:
    lines = EmaCrossover(fast=2, slow=3).signals(bars_of([8, 10, 15, 12])).lines
    assert lines["EMA 2"][1:] == pytest.approx([9, 13, 37 / 3])
    assert lines["EMA 3"][2:] == pytest.approx([11, 11.5])


@pytest.mark.parametrize(("last", "side"), [(12.0, 1), (11.0, 0), (10.0, -1)])
def test_after_a_tie_it_can_cross_in_both_directions(last: float, side: int) -> None:
    # by hand: 13 puts the averages at 12 and 11.5, and 10.5 puts both at 11
    kind = EmaCrossover(fast=2, slow=3)
    signals = kind.signals_by_symbol({"A": bars_of([*WARM, 13, 10.5, last])})["A"]
    assert signals.side[12:].tolist() == [1, 0, side]
    assert kind.explain(signals, 13) == "EMA 2 (11.00) equals EMA 3 (11.00)"


def test_the_warm_up_is_4_slow_periods_and_the_memory_10() -> None:
    kind = EmaCrossover(fast=2, slow=3)
    default = EmaCrossover(fast=50, slow=200)
    assert (default.warmup(), default.memory()) == (800, 2000)
    for before, sides in ((10, [0, 0]), (11, [1, 0])):
        signals = kind.signals_by_symbol({"A": bars_of([*WARM[:before], 13, 13])})["A"]
        assert signals.side[-2:].tolist() == sides


@pytest.mark.parametrize(("fast", "slow"), [(30, 10), (20, 20)])
def test_the_fast_average_must_be_shorter(fast: int, slow: int) -> None:
    with pytest.raises(InvalidParameters) as refusal:
        EmaCrossover(fast=fast, slow=slow)
    assert refusal.value.errors == {
        "": f"The fast average ({fast}) must be shorter than the slow average ({slow})."
    }
