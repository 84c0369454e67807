"""Why a fill is not that of the backtest, in words."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from livetrading.beside.matching import Match, MatchedFill
from livetrading.beside.stretch import Stretch
from livetrading.models import BarDecision, LiveStrategy
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.services.wording import counted
from tradedesk.core.bars import Timeframe, to_datetime
from tradedesk.core.fills import ExitReason

# So many missed and late fills are explained by the decision log, the newest ones.
EXPLAINED = 500
NO_CHECK = "no check was made at its signal"
WORDS = {reason.value: reason.value.replace("_", " ") for reason in ExitReason}

Decisions = Mapping[tuple[str, datetime], tuple[str, str]]


def signal_bar(fill: MatchedFill, stretch: Stretch) -> tuple[str, datetime] | None:
    """The symbol and the time of the bar whose signal the backtest's fill follows; None for a stop or a target."""
    lot = fill.tested
    if lot is None or (not fill.is_entry and lot.exit_reason != ExitReason.SIGNAL):
        return None
    row = lot.entry_bar if fill.is_entry else lot.exit_bar
    matrix = stretch.matrix
    own = matrix.open[: row or 0, matrix.symbols.index(lot.symbol)]
    known = (own == own).nonzero()[0]
    return (lot.symbol, to_datetime(matrix.time[known[-1]])) if len(known) else None


def read_decisions(live: LiveStrategy, fills: Iterable[MatchedFill], stretch: Stretch) -> Decisions:
    """The code and the sentence of the decisions on the signals that live missed or followed late. One query."""
    wanted = [fill for fill in fills if fill.match in (Match.MISSED, Match.LATE)][-EXPLAINED:]
    bars = {bar for fill in wanted if (bar := signal_bar(fill, stretch)) is not None}
    rows = BarDecision.objects.filter(
        live_strategy=live, symbol__in={symbol for symbol, _ in bars}, bar_time__in={time for _, time in bars}
    )
    return {
        (symbol, time): (code, sentence)
        for symbol, time, code, sentence in rows.order_by().values_list("symbol", "bar_time", "code", "sentence")
    }


def reason_of(fill: MatchedFill, stretch: Stretch, decisions: Decisions) -> str:
    """ "" for an identical fill."""
    live, tested = fill.live, fill.tested
    if fill.match is Match.PRICE:
        if not fill.is_entry and live and tested and live.exit_reason != tested.exit_reason:
            return f"{_word(live.exit_reason)}, in the backtest {_word(tested.exit_reason).lower()}"
        return "Filled at another price than the bar's"
    if fill.match is Match.EXTRA:
        if not fill.is_entry and live and live.exit_reason == ExitReason.MANUAL:
            return "Closed by hand"
        return "The backtest does not buy here" if fill.is_entry else "The backtest does not sell here"
    if fill.match is Match.IDENTICAL:
        return ""
    bar = signal_bar(fill, stretch)
    code, sentence = decisions.get(bar, ("", "")) if bar else ("", "")
    if fill.match is Match.LATE:
        unit = "session" if Timeframe(stretch.timeframe) is Timeframe.DAY else "bar"
        why = "check delayed" if not code or code in (Code.LATE, Code.SUPERSEDED) else sentence
        return f"{counted(fill.bars_late, unit)} late, {why[:1].lower()}{why[1:]}"[:200]
    if bar is None:
        return "The backtest's stop or target was reached, the broker's was not"
    if fill.live is None and not fill.is_entry:
        return "It was not bought"
    return (sentence or NO_CHECK[:1].upper() + NO_CHECK[1:])[:200]


def _word(reason: str) -> str:
    return WORDS.get(reason, reason).capitalize()
