"""The record of a check: for each symbol and new bar what it saw and what became of it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from livetrading.models import BarDecision, LiveStrategy, SignalHistory
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.pipeline.basis import basis_of
from livetrading.pipeline.decide import Decision
from livetrading.pipeline.evaluate import Evaluation, SignalEvent
from livetrading.pipeline.kind_code import RECORDED
from livetrading.pipeline.validity import in_words
from tradedesk.core.bars import Timeframe
from tradedesk.core.money import to_decimal
from tradedesk.core.signals import Side
from tradedesk.marketdata.sessions import is_open, next_open

# How long the rows are kept: of daily bars and longer ones, and at most; of shorter ones about 8,000 of a symbol.
KEPT, DAYS_FOR_EACH_MINUTE = timedelta(days=400), 20

# The decisions of a strategy and their signals, by symbol and bar time.
Decided = Mapping[tuple[str, datetime], tuple[Decision, SignalHistory]]


def record(
    live: LiveStrategy,
    evaluation: Evaluation,
    decided: Decided,
    now: datetime,
    inputs: Mapping[str, Any] | None = None,
) -> Iterator[BarDecision]:
    """The rows of one check of `live`, not stored yet. inputs: of its decisions (pipeline/basis.py)."""
    kept_until = now + kept_for(live.timeframe)
    for symbol, group in groupby(evaluation.bars, key=lambda bar: bar.symbol):
        bars = list(group)
        newest = max((bar.bar_time for bar in bars if bar.side is not Side.HOLD), default=None)
        for place, bar in enumerate(bars):
            decision, signal = decided.get((symbol, bar.bar_time), (None, None))
            if decision is None and place < len(bars) - RECORDED:
                continue
            code, sentence = _outcome(bar, newest, decision, signal)
            yield BarDecision(
                live_strategy_id=live.pk,
                signal=signal,
                symbol=symbol,
                bar_time=bar.bar_time,
                close=to_decimal(bar.close),
                indicators=bar.indicators,
                side=bar.side.name.lower(),
                strength=bar.strength,
                explanation=bar.explanation,
                code=code,
                basis=basis_of(live.kind, bar, decision, inputs),
                sentence=sentence[:300],
                checked_at=now,
                kept_until=kept_until,
            )


def kept_for(timeframe: str) -> timedelta:
    if Timeframe(timeframe).is_dated:
        return KEPT
    return min(KEPT, timedelta(days=DAYS_FOR_EACH_MINUTE * Timeframe(timeframe).minutes))


def _outcome(
    bar: SignalEvent, newest: datetime | None, decision: Decision | None, signal: SignalHistory | None
) -> tuple[str, str]:
    """newest: the bar of the symbol's newest signal."""
    if decision is not None and signal is not None:
        order = f"Order to {signal.side} {decision.quantity.normalize():,f} {bar.symbol}."
        return signal.code, signal.reason or order
    if bar.side is Side.HOLD:
        return Code.HOLD, "No signal on this bar."
    if bar.bar_time != newest:
        return Code.SUPERSEDED, f"A newer signal of {bar.symbol} has replaced it."
    return Code.HELD, f"{bar.symbol} is held or ordered already."


def what_was_seen(
    live: LiveStrategy, evaluation: Evaluation, decisions: Iterable[BarDecision], now: datetime
) -> dict[str, dict[str, Any]]:
    """By symbol: the newest bar, and what the check decided on it, or why there was nothing to decide."""
    newest = {decision.symbol: decision for decision in decisions}  # the bars of a symbol ascend
    return {symbol: _seen(symbol, evaluation, newest.get(symbol), now) for symbol in live.symbols}


def _seen(symbol: str, evaluation: Evaluation, decision: BarDecision | None, now: datetime) -> dict[str, Any]:
    if symbol not in evaluation.times:
        return {"code": Code.NO_BARS, "sentence": f"There are no bars of {symbol}. Import them on the data page."}
    seen = {"bar_time": evaluation.times[symbol].isoformat(), "close": evaluation.closes[symbol]}
    if decision is not None:
        return seen | {"side": decision.side, "code": decision.code, "sentence": decision.sentence}
    code, sentence = Code.NO_NEW_BAR, "No new bar has arrived since the last check."
    if symbol in evaluation.stale:
        code, sentence = Code.STALE_DATA, "A newer bar should have arrived. Without it there are no entries."
    elif symbol in evaluation.failing:
        code, sentence = Code.STALE_DATA, "The market data fails: the data page says why. There are no entries."
    elif not is_open(now):
        code, sentence = Code.MARKET_CLOSED, f"The market is closed until {in_words(next_open(now))}."
    return seen | {"side": "", "code": code, "sentence": sentence}
