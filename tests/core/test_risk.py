import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.core.risk import EntryState, Refusal, entry_refusal
from tradedesk.core.rules import Costs, RiskRules, kernel_rules


def refusal(
    *,
    strength: float = 1.0,
    open_positions: int = 0,
    day_loss: float = 0.0,
    equity: float = 1_000.0,
    peak_equity: float = 1_000.0,
    **rules: Any,
) -> int:
    limits = kernel_rules(RiskRules(**rules), Costs())
    code: int = entry_refusal(EntryState(strength, open_positions, day_loss, equity, peak_equity), limits)
    return code


def test_each_limit_refuses_when_it_is_reached_and_not_before() -> None:
    assert refusal() == Refusal.NONE
    assert refusal(strength=0.6) == Refusal.NONE
    assert refusal(strength=0.5999) == Refusal.WEAK_SIGNAL
    assert refusal(open_positions=1) == Refusal.MAX_POSITIONS
    assert refusal(open_positions=4, max_positions=5) == Refusal.NONE
    assert refusal(day_loss=99.99, daily_loss_limit=100.0) == Refusal.NONE
    assert refusal(day_loss=100.0, daily_loss_limit=100.0) == Refusal.DAILY_LOSS
    assert refusal(day_loss=-100.0, daily_loss_limit=100.0) == Refusal.NONE, "a gain is not a loss"
    assert refusal(equity=900.01, max_drawdown_pct=0.1) == Refusal.NONE
    assert refusal(equity=900.0, max_drawdown_pct=0.1) == Refusal.DRAWDOWN


def test_with_every_limit_off_only_the_signal_and_the_open_positions_count() -> None:
    assert refusal(day_loss=1e12, equity=0.0) == Refusal.NONE
    assert refusal(equity=-50.0, peak_equity=0.0, max_drawdown_pct=0.1) == Refusal.NONE, "no peak, no drawdown"


@given(
    st.builds(
        RiskRules,
        signal_threshold=st.floats(0, 1),
        max_positions=st.integers(1, 10),
        daily_loss_limit=st.floats(1, 1e6),
        max_drawdown_pct=st.floats(0.001, 0.99),
    ),
    st.floats(0, 1),
    st.integers(0, 10),
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
    st.floats(0, 1e6),
)
def test_the_compiled_function_equals_the_python_function_and_allows_an_entry_only_below_every_limit(
    rules: RiskRules, strength: float, open_positions: int, day_loss: float, equity: float, peak: float
) -> None:
    state, limits = EntryState(strength, open_positions, day_loss, equity, peak), kernel_rules(rules, Costs())
    code = entry_refusal(state, limits)
    assert code == entry_refusal.py_func(state, limits)
    assert rules.daily_loss_limit is not None
    assert rules.max_drawdown_pct is not None
    reached = (
        strength < rules.signal_threshold
        or open_positions >= rules.max_positions
        or day_loss >= rules.daily_loss_limit
        or (peak > 0 and (peak - equity) / peak >= rules.max_drawdown_pct)
    )
    assert (code != Refusal.NONE) == reached


@pytest.mark.parametrize(("distance", "code"), [(math.inf, 0), (0.5, 0), (0.0, 10), (math.nan, 10)])
def test_a_trailing_stop_by_atr_needs_a_distance(distance: float, code: int) -> None:
    state = EntryState(1.0, 0, 0.0, 1.0, 1.0, distance)
    assert entry_refusal(state, kernel_rules(RiskRules(), Costs())) == code


@pytest.mark.parametrize(
    ("cooldown", "since_loss", "code"),
    [
        (None, 0, Refusal.NONE),
        (None, math.inf, Refusal.NONE),
        (1, 0, Refusal.COOLDOWN),
        (1, 1, Refusal.NONE),
        (5, 4, Refusal.COOLDOWN),
        (5, 5, Refusal.NONE),
        (1000, math.inf, Refusal.NONE),
    ],
)
def test_the_cooldown_lasts_for_its_bars(cooldown: int | None, since_loss: float, code: Refusal) -> None:
    state = EntryState(1.0, 0, 0.0, 1.0, 1.0, bars_since_loss=since_loss)
    limits = kernel_rules(RiskRules(cooldown_bars=cooldown), Costs())
    assert entry_refusal(state, limits) == entry_refusal.py_func(state, limits) == code


STATE = EntryState(
    strength=0.4, open_positions=5, day_loss=1234.5, equity=750.0, peak_equity=1000.0, bars_since_loss=2
)
LIMITS = RiskRules(
    signal_threshold=0.6, max_positions=5, daily_loss_limit=1000.0, max_drawdown_pct=0.2, cooldown_bars=3
)
MESSAGES = {
    Refusal.NONE: "",
    Refusal.WEAK_SIGNAL: "Signal strength 0.40 is below the threshold of 0.60.",
    Refusal.MAX_POSITIONS: "The limit of 5 open positions is reached.",
    Refusal.DAILY_LOSS: "Today's loss of $1,234.50 has reached the daily limit of $1,000.00.",
    Refusal.DRAWDOWN: "The drawdown of 25.0% has reached the limit of 20.0%.",
    Refusal.NO_TRUE_RANGE: (
        "The trailing stop by ATR needs the range of 15 bars: there are fewer, or their price did not change."
    ),
    Refusal.NO_SIZE: "The position size of $50.00 is not enough for one share at $60.00.",
    Refusal.TOO_MANY_SHARES: (
        "2,000,000,000 shares are too many: below 1,000,000,000 the desk counts them exactly. "
        "Use a smaller position."
    ),
    Refusal.HELD: "The symbol is held already.",
    Refusal.NO_CASH: "The cash does not pay for one share.",
    Refusal.NO_BAR: "No bar follows the signal.",
    Refusal.COOLDOWN: "Cooldown: 2 of 3 bars have closed since the symbol was sold at a loss.",
}


@pytest.mark.parametrize("code", Refusal)
def test_every_refusal_has_a_message_with_its_figures(code: Refusal) -> None:
    assert code.message(state=STATE, rules=LIMITS, budget=50.0, price=60.0, shares=2e9) == MESSAGES[code]
