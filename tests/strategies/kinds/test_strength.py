"""Strength: certain rules say 1, graded ones start where the default threshold lets them pass."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds.strength import certain, graded
from tests.strategies.kinds.series import UNTIMED
from tradedesk.core.risk import Refusal, entry_refusal
from tradedesk.core.rules import RiskRules


def test_a_plain_signal_is_certain() -> None:
    assert certain(np.array([1, 0, -1], np.int8)).tolist() == [1.0, 0.0, 1.0]


def test_a_graded_signal_goes_from_six_tenths_to_one() -> None:
    assert graded(np.array([-1.0, 0.0, 0.5, 1.0, 7.0])) == pytest.approx([0.6, 0.6, 0.8, 1.0, 1.0])


@UNTIMED
@given(st.floats(0.0, 1.0))
def test_the_weakest_graded_signal_passes_the_default_threshold(depth: float) -> None:
    strength = float(graded(np.array([depth])).round(2)[0])
    inf = float("inf")
    refusal = entry_refusal(strength, RiskRules().signal_threshold, 0, 1, 0.0, inf, 1.0, 1.0, inf)
    assert refusal == Refusal.NONE
