"""What became of each BUY signal: filled, or not for one of the reasons of core.risk.Refusal."""

import numpy as np
from hypothesis import given

from tests.backtests.cases import ALLOW_SLOW_DATA, Case, cases
from tests.backtests.reference import ReferenceEngine
from tests.backtests.scripted import flat, run_many, run_one


def counted(found: dict[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in found.items() if count}


@ALLOW_SLOW_DATA
@given(case=cases())
def test_every_buy_signal_is_counted_once_and_as_in_the_reference_engine(case: Case) -> None:
    result = case.run()
    reference = ReferenceEngine(case.bars, case.signals, case.capital, case.rules, case.costs)
    reference.run()
    assert counted(result.buy_signals) == counted(reference.outcomes)
    assert sum(result.buy_signals.values()) == sum(int((own.side > 0).sum()) for own in case.signals.values())
    assert result.buy_signals["filled"] == len(result.closed) + len(result.held)


def test_each_reason_by_hand() -> None:
    rows = flat(10, 10, 10, 10)
    assert counted(run_one(rows, [0, 1, 2]).buy_signals) == {"filled": 1, "held": 2}
    assert counted(run_one(rows, [3]).buy_signals) == {"no_bar": 1}
    assert counted(run_one(rows, {0: 0.5}).buy_signals) == {"weak_signal": 1}
    assert counted(run_one(rows, [0, 1], capital=9.0).buy_signals) == {"no_size": 2}
    assert counted(run_one(flat(10, 20), [0], capital=15.0).buy_signals) == {"no_cash": 1}
    both = run_many({"A": rows, "B": rows}, {"A": [0], "B": [0, 1]}, max_positions=1)
    assert counted(both.buy_signals) == {"filled": 1, "max_positions": 2}
    # 1 x 1e9 / 0.5 = 2e9 shares, more than are counted exactly
    assert counted(run_one(flat(0.5, 0.5), [0], capital=1e9).buy_signals) == {"too_many_shares": 1}


def test_signals_that_the_fast_forward_skips_are_counted() -> None:
    closes = np.full(10_000, 10.0)
    result = run_one(flat(*closes), range(10_000))
    assert counted(result.buy_signals) == {"filled": 1, "held": 9_999}
