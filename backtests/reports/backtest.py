"""The result page of a backtest: returns, provenance and notes."""

from calendar import month_abbr
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db.models import Avg, Max, Min, Q

from backtests.date_range import date_range_of
from backtests.lists.selection import parse_id
from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.provenance import compare, differences
from backtests.reports.headline import headline_of
from backtests.reports.labels import labelled_rules
from backtests.research.analysis import ROLLING_SESSIONS, Drawdown, Year, calendar_returns
from strategies.kinds import InvalidParameters
from tradedesk.core.bars import Timeframe
from tradedesk.core.rules import ASSUMED_SLIPPAGE_BPS
from tradedesk.marketdata.findings import doubts_of
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.sessions import bar_dates, sessions_between

MIDDAY = np.timedelta64(12, "h").astype("timedelta64[us]")  # in UTC, a time of the same date in New York
# Returns from which on the heat map of a table of returns uses the next colour.
HEAT_STEPS = {"month": (0.0, 0.02, 0.05, 0.10), "year": (0.0, 0.10, 0.20, 0.40)}


@dataclass(frozen=True, slots=True)
class Returns:
    """years: from first to last. best, worst: (month, return) among the full months, None if there are none.
    gained: number of the `months` full months with a gain. has_rolling: enough sessions for the rolling
    figures."""

    years: list[Year]
    drawdowns: list[Drawdown]
    best: tuple[str, float] | None
    worst: tuple[str, float] | None
    gained: int
    months: int
    has_rolling: bool


@dataclass(frozen=True, slots=True)
class RepeatOutcome:
    """The result of a repeated run, compared with that of the first run. first_exists: the first run is not
    deleted."""

    first_id: int
    first_exists: bool
    is_same: bool
    message: str


def open_positions_of(backtest: Backtest) -> list[BacktestTrade]:
    return list(backtest.trades.filter(exit_time=None))


def is_daily(backtest: Backtest) -> bool:
    return Timeframe(backtest.timeframe).is_dated


def head_context(backtest: Backtest, series: dict[str, BarSeries]) -> dict[str, Any]:
    """What stands above the tabs: the notes, folded into one line, and whether a repeated run gave the same."""
    doubts = doubts_of(series.values(), backtest.start_date, backtest.end_date)
    notes = _missing_bars(backtest, series) + _missing_warmup(backtest)
    stop_warning = backtest.risk_rules().stop_warning
    return {
        "doubts": doubts,
        "notes": notes,
        "stop_warning": stop_warning,
        "note_count": len(doubts) + len(notes) + bool(stop_warning),
        "open_notes": sum(doubt.finding.is_open for doubt in doubts),
        "repeat": repeat_outcome(backtest),
        "closed_count": backtest.trades.exclude(exit_time=None).count(),
    }


def performance_context(backtest: Backtest) -> dict[str, Any]:
    curve = BacktestCurve.objects.filter(backtest=backtest).first() or BacktestCurve()
    return {
        **_figures_context(backtest, curve),
        "headline": headline_of(backtest),
        "has_costs": any(backtest.costs.values()),
        "higher_costs_label": higher_costs_label(backtest),
        "month_names": month_abbr[1:],
        "wins_and_losses": wins_and_losses(backtest),
    }


def trades_context(backtest: Backtest) -> dict[str, Any]:
    return {"open_positions": open_positions_of(backtest), "wins_and_losses": wins_and_losses(backtest)}


def risk_context(backtest: Backtest) -> dict[str, Any]:
    curve = BacktestCurve.objects.filter(backtest=backtest).first() or BacktestCurve()
    return {
        **_figures_context(backtest, curve),
        "has_exposure": bool(curve.invested),
        "rules": labelled_rules(backtest.rules, backtest.costs),
    }


def provenance_context(backtest: Backtest, series: dict[str, BarSeries]) -> dict[str, Any]:
    return {
        "origins": compare(backtest.kind, backtest.provenance, series, backtest.period[1]),
        "rules": labelled_rules(backtest.rules, backtest.costs),
    }


def _figures_context(backtest: Backtest, curve: BacktestCurve) -> dict[str, Any]:
    returns = monthly_and_yearly_returns(curve, float(backtest.initial_capital), backtest.timeframe)
    return {"returns": returns, "rolling_sessions": ROLLING_SESSIONS}


def shown_trade(backtest: Backtest, trade: str | None) -> BacktestTrade | None:
    """The trade of this backtest whose id is in the address."""
    trade_id = parse_id(trade or "")
    return None if trade_id is None else backtest.trades.filter(pk=trade_id).first()


def wins_and_losses(backtest: Backtest) -> dict[str, float | None]:
    """Average and largest win and loss of the closed trades, in dollars; None if there is none."""
    won, lost = Q(pnl__gt=0), Q(pnl__lt=0)
    return backtest.trades.exclude(exit_time=None).aggregate(
        average_win=Avg("pnl", filter=won),
        average_loss=Avg("pnl", filter=lost),
        largest_win=Max("pnl", filter=won),
        largest_loss=Min("pnl", filter=lost),
    )


def higher_costs_label(backtest: Backtest) -> str:
    """The heading of the column for the run at higher costs."""
    return "Doubled costs" if any(backtest.costs.values()) else f"{ASSUMED_SLIPPAGE_BPS:g} bps slippage"


def monthly_and_yearly_returns(curve: BacktestCurve, capital: float, timeframe: str) -> Returns:
    """Returns by month and year, and the worst drawdowns. A weekly bar counts in the month in which it begins."""
    sessions, equity = curve.sessions(), np.array(curve.equity, float)
    calendar = np.empty(0, "datetime64[D]")
    if len(sessions):
        first, last = sessions[[0, -1]].tolist()
        days = sessions_between(date(first.year, 1, 1), date(last.year, 12, 31))
        calendar = np.unique(bar_dates(days + MIDDAY, timeframe)[0])
    years = calendar_returns(sessions, equity, capital, calendar)
    whole = [
        (f"{year.number}-{month:02}", cell.value)
        for year in years
        for month, cell in enumerate(year.months, 1)
        if cell and cell.whole and cell.value is not None
    ]
    return Returns(
        years=years,
        drawdowns=[Drawdown.from_dict(each) for each in curve.drawdowns],
        best=max(whole, key=lambda month: month[1], default=None),
        worst=min(whole, key=lambda month: month[1], default=None),
        gained=sum(value > 0 for _, value in whole),
        months=len(whole),
        has_rolling=len(sessions) >= ROLLING_SESSIONS,
    )


def heat_level(value: float, span: str) -> int:
    """The colour of a return over a "month" or a "year": 1 to 4 for a gain, -1 to -4 for a loss, 0 for zero."""
    level = sum(abs(value) > step for step in HEAT_STEPS[span])
    return level if value > 0 else -level


def repeat_outcome(backtest: Backtest) -> RepeatOutcome | None:
    """Whether a repeated run gave the same result, and if not, why; None for a backtest that repeats no other."""
    if not (repeats := backtest.repeats):
        return None
    first_id, is_same = repeats["backtest"], repeats["result"] == backtest.provenance.get("result")
    first = Backtest.objects.filter(user_id=backtest.user_id, pk=first_id).first()
    if is_same:
        message = "The trades and the equity are identical."
    elif first is None:
        message = "The result is different. The first run has been deleted, so the cause is unknown."
    elif causes := differences(first.provenance, backtest.provenance):
        message = f"The result is different: {', '.join(causes)} changed since the first run."
    else:
        message = "The result is different although code and bars are the same. This is a bug: please report it."
    return RepeatOutcome(first_id, first is not None, is_same, message)


def _missing_bars(backtest: Backtest, series: dict[str, BarSeries]) -> list[str]:
    notes = []
    for symbol in backtest.symbols:
        if symbol not in series:
            continue
        first, last = date_range_of(series[symbol])
        if first > backtest.end_date or last < backtest.start_date:
            notes.append(f"{symbol} has no bars in this period and was not traded.")
        elif first > backtest.start_date and len(sessions_between(backtest.start_date, first)) > 1:
            notes.append(f"{symbol} has bars from {first} and was not traded before.")
    return notes


def _missing_warmup(backtest: Backtest) -> list[str]:
    """A note for symbols without enough bars before the period; symbols with the same numbers share one note."""
    try:
        needed = backtest.make_kind().warmup()
    except InvalidParameters:  # the kind is no longer installed
        return []
    symbols_by_bars: dict[tuple[int, int], list[str]] = {}
    for symbol, data in sorted(backtest.provenance.get("data", {}).items()):
        before = data.get("bars_before", 0)
        bars = data.get("count", 0) - before
        if bars and before + 1 < needed:
            symbols_by_bars.setdefault((bars, before), []).append(symbol)
    notes = []
    for (bars, before), symbols in symbols_by_bars.items():
        first = needed - before
        effect = f"the first signal is on bar {first:,} of the period" if first <= bars else "there are no signals"
        earlier = f"{before:,}" if before else "none"
        available = f"{bars:,} {'bar' if bars == 1 else 'bars'} in the period and {earlier} before it"
        notes.append(f"{', '.join(symbols)}: {available}. The strategy needs {needed:,} bars, so {effect}.")
    return notes
