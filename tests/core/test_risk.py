import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.core.risk import Refusal, entry_refusal

OFF = math.inf


def refusal(
    *,
    strength: float = 1.0,
    threshold: float = 0.6,
    open_positions: int = 0,
    max_positions: int = 1,
    day_loss: float = 0.0,
    daily_loss_limit: float = OFF,
    equity: float = 1_000.0,
    peak_equity: float = 1_000.0,
    max_drawdown_pct: float = OFF,
) -> int:
    code: int = entry_refusal(
        strength,
        threshold,
        open_positions,
        max_positions,
        day_loss,
        daily_loss_limit,
        equity,
        peak_equity,
        max_drawdown_pct,
    )
    return code


def test_each_limit_refuses_when_it_is_reached_and_not_before() -> None:
    assert refusal() == Refusal.NONE
    assert refusal(strength=0.6) == Refusal.NONE
    assert refusal(strength=0.5999) == Refusal.WEAK_SIGNAL
    assert refusal(open_positions=1) == Refusal.MAX_POSITIONS
    assert refusal(open_positions=4, max_positions=5) == Refusal.NONE
    assert refusal(day_loss=99.99, daily_loss_limit=100.0) == Refusal.NONE
    assert refusal(day_loss=100.0, daily_loss_limit=100.0) == Refusal.DAILY_LOSS
    assert refusal(day_loss=-100.0, daily_loss_limit=100.0) == Refusal.NONE, "a gain is no loss"
    assert refusal(equity=900.01, max_drawdown_pct=0.1) == Refusal.NONE
    assert refusal(equity=900.0, max_drawdown_pct=0.1) == Refusal.DRAWDOWN


def test_with_every_limit_off_only_the_signal_and_the_room_count() -> None:
    assert refusal(day_loss=1e12, equity=0.0) == Refusal.NONE
    assert refusal(equity=-50.0, peak_equity=0.0, max_drawdown_pct=0.1) == Refusal.NONE, "no peak, no drawdown"


@given(
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(0, 10),
    st.integers(1, 10),
    st.floats(-1e6, 1e6),
    st.floats(1, 1e6),
    st.floats(-1e6, 1e6),
    st.floats(0, 1e6),
    st.floats(0.001, 0.99),
)
def test_the_compiled_rule_equals_its_plain_twin_and_says_none_only_when_no_limit_is_reached(
    strength: float,
    threshold: float,
    open_positions: int,
    max_positions: int,
    day_loss: float,
    limit: float,
    equity: float,
    peak: float,
    drawdown: float,
) -> None:
    facts = (strength, threshold, open_positions, max_positions, day_loss, limit, equity, peak, drawdown)
    code = entry_refusal(*facts)
    assert code == entry_refusal.py_func(*facts)
    reached = (
        strength < threshold
        or open_positions >= max_positions
        or day_loss >= limit
        or (peak > 0 and (peak - equity) / peak >= drawdown)
    )
    assert (code != Refusal.NONE) == reached


@pytest.mark.parametrize(
    ("code", "facts", "words"),
    [
        (
            Refusal.WEAK_SIGNAL,
            {"strength": 0.4, "threshold": 0.6},
            "Signal strength 0.40 is below the threshold of",
        ),
        (Refusal.MAX_POSITIONS, {"max_positions": 5}, "The limit of 5 open positions is reached."),
        (Refusal.DAILY_LOSS, {"loss": 1234.5, "limit": 1000.0}, "Today's loss of $1,234.50 has reached the daily"),
        (
            Refusal.DRAWDOWN,
            {"drawdown": 0.25, "limit": 0.2},
            "The drawdown of 25.0% has reached the limit of 20.0%.",
        ),
        (
            Refusal.NO_SIZE,
            {"budget": 50.0, "price": 60.0},
            "The position size of $50.00 does not buy one share at",
        ),
    ],
)
def test_every_refusal_has_words(code: Refusal, facts: dict[str, object], words: str) -> None:
    assert code.words(**facts).startswith(words)


def test_there_are_words_for_every_code() -> None:
    assert len(Refusal) == 6, "add a case above for the new refusal"
    assert Refusal.NONE.words() == ""
