"""The profit and loss of a live strategy at a check, and its limits that trip: once, with one notification."""

from datetime import date, datetime

import numpy as np

from livetrading.models import LiveStrategy
from livetrading.pipeline.book import StrategyBook
from livetrading.pipeline.decide import EquityState
from livetrading.pipeline.evaluate import Evaluation
from tradedesk.core.bars import session_dates, to_datetime64
from tradedesk.core.money import to_decimal
from tradedesk.core.risk import EntryState, Refusal
from tradedesk.core.rules import Costs, RiskRules, kernel_rules


def update_equity_state(
    live: LiveStrategy, book: StrategyBook, evaluation: Evaluation, equity: float | None
) -> EquityState:
    """Update the strategy's session start, profit and peak, and return its equity figures at this close."""
    pnl = book.realized + book.unrealized(evaluation.closes)
    session = _session_date(max(evaluation.times.values()))
    if live.session != session:
        live.session, live.session_start_pnl = session, live.last_pnl
    live.last_pnl = to_decimal(pnl)
    live.peak_pnl = max(live.peak_pnl, live.last_pnl)
    start = float(live.starting_equity)
    return EquityState(
        equity=equity,
        own_equity=start + pnl,
        own_peak=start + float(live.peak_pnl),
        day_loss=float(live.session_start_pnl) - pnl,
    )


def trip_limits(live: LiveStrategy, rules: RiskRules, state: EquityState) -> list[str]:
    """Note which loss limits have just been reached, and return what to tell the trader.

    The daily loss limit trips once in a session and stays tripped until the next one (LiveStrategy.has_tripped). A
    drawdown limit refuses entries while the drawdown lasts; it is reported once for each peak.
    """
    limits = kernel_rules(rules, Costs())
    at_close = EntryState(0.0, 0, state.day_loss, state.own_equity, state.own_peak)
    tripped = []
    if state.day_loss >= limits.daily_loss_limit and not live.has_tripped:
        live.tripped_session = live.session
        live.tripped_reason = Refusal.DAILY_LOSS.message(state=at_close, rules=limits)
        tripped.append(f"{live.tripped_reason} No entries until the next session.")
    if at_close.drawdown >= limits.max_drawdown_pct and live.reported_drawdown_peak != live.peak_pnl:
        live.reported_drawdown_peak = live.peak_pnl
        reason = Refusal.DRAWDOWN.message(state=at_close, rules=limits)
        tripped.append(f"{reason} No entries while it lasts.")
    return [f"“{live.name}”: {text}" for text in tripped]


def _session_date(moment: datetime) -> date:
    day: date = session_dates(np.array([to_datetime64(moment)])).tolist()[0]
    return day
