"""The codes of what became of a signal: every refusal has one, and orders that end change it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from livetrading.models import LiveStrategy, OrderState, SignalHistory
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.pipeline.book import StrategyBook
from livetrading.pipeline.codes import code_of
from livetrading.pipeline.decide import EquityState, decide
from livetrading.pipeline.evaluate import SignalEvent
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.gate import OPEN, Held
from livetrading.services.entries import cancel_entries
from livetrading.services.order_cancel import cancel_order
from tests.livetrading.factories import make_live_strategy, make_signal
from tests.livetrading.made_bars import CLOSES, TIMES
from tests.livetrading.pipeline.desk import WALL
from tests.livetrading.pipeline.scripted_broker import ScriptedBroker, connect, entry_of, run_reconcile
from tests.livetrading.pipeline.test_decide import book, lot_of
from tradedesk.accounts.models import User
from tradedesk.core.risk import Refusal
from tradedesk.core.rules import RiskRules
from tradedesk.core.signals import Side

RULES = RiskRules(position_size_pct=0.02, max_positions=2, daily_loss_limit=100.0, max_drawdown_pct=0.1)
RICH = EquityState(equity=100_000.0, own_equity=100_000.0, own_peak=100_000.0, day_loss=0.0)
BUY = SignalEvent("AAPL", Side.BUY, 1.0, TIMES[2], 50.0, "Explanation", late=False, closed_at=CLOSES[2])
SELL = replace(BUY, side=Side.SELL)
NO_RANGE = replace(RULES, trailing_stop_atr=2.0)


@pytest.mark.parametrize("reason", [*Held, *Refusal])
def test_every_reason_of_the_gate_and_of_risk_has_a_code(reason: Held | Refusal) -> None:
    assert (code_of(reason) is Code.ORDERED) == (reason is Refusal.NONE)


def test_every_code_has_a_label_and_fits_its_column() -> None:
    longest = SignalHistory._meta.get_field("code").max_length
    assert all(code.label and len(code.value) <= (longest or 0) for code in Code)


@pytest.mark.parametrize(
    ("event", "held", "rules", "state", "code"),
    [
        (BUY, book(), RULES, RICH, Code.ORDERED),
        (replace(BUY, strength=0.1), book(), RULES, RICH, Code.BELOW_THRESHOLD),
        (BUY, book("IBM", "MSFT"), RULES, RICH, Code.MAX_POSITIONS),
        (BUY, book(), RULES, replace(RICH, day_loss=100.0), Code.DAILY_LOSS),
        (BUY, book(), RULES, replace(RICH, own_equity=80_000.0), Code.DRAWDOWN),
        (replace(BUY, close=5_000.0), book(), RULES, RICH, Code.TOO_DEAR),
        (replace(BUY, close=0.01), book(), RULES, replace(RICH, equity=1e12), Code.TOO_MANY_SHARES),
        (BUY, book(), NO_RANGE, RICH, Code.NO_TRUE_RANGE),
        (BUY, book(), RULES, replace(RICH, equity=None), Code.NO_EQUITY),
        (replace(BUY, late=True), book(), RULES, RICH, Code.LATE),
        (SELL, book(), RULES, RICH, Code.NOTHING_TO_SELL),
        (SELL, book("AAPL", exiting=("AAPL",)), RULES, RICH, Code.ALREADY_SELLING),
        (SELL, StrategyBook({"AAPL": lot_of("AAPL", day=3)}), RULES, RICH, Code.BOUGHT_AFTER_SIGNAL),
        (SELL, book("AAPL"), RULES, RICH, Code.ORDERED),
    ],
)
def test_a_decision_has_the_code_of_its_reason(
    event: SignalEvent, held: StrategyBook, rules: RiskRules, state: EquityState, code: Code
) -> None:
    (decision,) = decide([event], held, rules, state, OPEN)
    assert decision.code is code
    assert bool(decision.reason) == (code is not Code.ORDERED) == (not decision.quantity)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    return connect(monkeypatch, ScriptedBroker())


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("rejected", Code.REJECTED),
        ("expired", Code.EXPIRED),
        ("cancelled", Code.CANCELLED),
        ("filled", Code.ORDERED),
    ],
)
def test_an_order_that_ends_at_the_broker_changes_the_code_of_its_signal(
    live: LiveStrategy, broker: ScriptedBroker, state: str, code: Code
) -> None:
    signal = make_signal(live_strategy=live, code=Code.ORDERED)
    order = entry_of(live, state=OrderState.PENDING, signal=signal)
    execute_order(order.pk, CLOSES[1], WALL)
    broker.report_order(order, state)
    run_reconcile(live, broker)
    signal.refresh_from_db()
    assert signal.code == code


@pytest.mark.parametrize("how", ["by hand", "strategy", "lost"])
def test_an_order_that_ends_at_the_desk_changes_the_code_of_its_signal(
    live: LiveStrategy, broker: ScriptedBroker, how: str
) -> None:
    signal = make_signal(live_strategy=live, code=Code.ORDERED)
    order = entry_of(live, state=OrderState.ACCEPTED if how == "lost" else OrderState.PENDING, signal=signal)
    if how == "by hand":
        cancel_order(order, by=live.user, wall_now=WALL)
    elif how == "strategy":
        assert len(cancel_entries(live, "Paused.", WALL)) == 1
    else:
        for look in range(3):
            run_reconcile(live, broker, wall_now=WALL + look * timedelta(seconds=6))
    signal.refresh_from_db()
    order.refresh_from_db()
    assert (order.state, signal.code) == (OrderState.CANCELLED, Code.CANCELLED)
