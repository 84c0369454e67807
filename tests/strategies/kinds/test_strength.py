"""Strength: 1 for rules that are met or not, from 0.6, the default signal threshold, to 1 for graded ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds.strength import full_strength, graded_strength
from tests.strategies.kinds.series import UNTIMED
from tradedesk.core.risk import EntryState, Refusal, entry_refusal
from tradedesk.core.rules import Costs, RiskRules, kernel_rules


def test_full_strength_is_1_where_there_is_a_signal() -> None:
    assert full_strength(np.array([1, 0, -1], np.int8)).tolist() == [1.0, 0.0, 1.0]


def test_graded_strength_goes_from_0_6_to_1() -> None:
    assert graded_strength(np.array([-1.0, 0.0, 0.5, 1.0, 7.0])) == pytest.approx([0.6, 0.6, 0.8, 1.0, 1.0])


@UNTIMED
@given(st.floats(0.0, 1.0))
def test_the_weakest_graded_signal_passes_the_default_threshold(depth: float) -> None:
    strength = float(graded_strength(np.array([depth])).round(2)[0])
    rules = kernel_rules(RiskRules(), Costs())
    assert entry_refusal(EntryState(strength, 0, 0.0, 1.0, 1.0), rules) == Refusal.NONE
