"""What the page of a backtest shows beside the row itself: returns, origins, and what to mind."""

from calendar import month_abbr
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db.models import Avg, Max, Min, Q

from backtests.date_range import date_range_of
from backtests.lists.selection import number_in
from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.provenance import Origin, compare, differences
from backtests.reports.headline import headline_of
from backtests.reports.labels import labelled_rules
from backtests.research.analysis import ROLLING_SESSIONS, Drawdown, Year, calendar_returns, worst_drawdowns
from strategies.kinds import InvalidParameters
from tradedesk.core.bars import Timeframe
from tradedesk.core.rules import ASSUMED_SLIPPAGE_BPS
from tradedesk.marketdata.library import find_series
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.sessions import sessions_between


@dataclass(frozen=True, slots=True)
class Returns:
    """years: in the order of time. best, worst: of the whole months, as (month, fraction), None without one.
    gained: how many of the `months` whole months gained. has_rolling: enough sessions for the rolling figures."""

    years: list[Year]
    drawdowns: list[Drawdown]
    best: tuple[str, float] | None
    worst: tuple[str, float] | None
    gained: int
    months: int
    has_rolling: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What running backtest `of` again has shown. known: whether that one still exists."""

    of: int
    known: bool
    same: bool
    words: str


def open_positions_of(backtest: Backtest) -> list[BacktestTrade]:
    return list(backtest.trades.filter(exit_time=None))


def is_daily(backtest: Backtest) -> bool:
    return backtest.timeframe == Timeframe.DAY


def result_of(backtest: Backtest, trade: str | None) -> dict[str, Any]:
    """What the page of a completed backtest shows beside its trades, by the names of its template.

    trade: the id of the trade that the price chart is to show, as the address has it.
    """
    origins, notes = origins_of(backtest)
    shown = number_in(trade or "")
    curve = BacktestCurve.objects.filter(backtest=backtest).first() or BacktestCurve()
    return {
        "headline": headline_of(backtest),
        "open_positions": open_positions_of(backtest),
        "returns": returns_of(curve, float(backtest.initial_capital)),
        "has_exposure": bool(curve.invested),
        "has_costs": any(backtest.costs.values()),
        "harder_costs": harder_costs_of(backtest),
        "outcomes": outcomes_of(backtest),
        "month_names": month_abbr[1:],
        "rolling_sessions": ROLLING_SESSIONS,
        "shown": None if shown is None else backtest.trades.filter(pk=shown).first(),
        "origins": origins,
        "notes": notes,
        "verdict": verdict_of(backtest),
        "rules": labelled_rules(backtest.rules, backtest.costs),
    }


def outcomes_of(backtest: Backtest) -> dict[str, float | None]:
    """Average and largest win and loss of the closed trades, in dollars; None without one."""
    won, lost = Q(pnl__gt=0), Q(pnl__lt=0)
    return backtest.trades.exclude(exit_time=None).aggregate(
        average_win=Avg("pnl", filter=won),
        average_loss=Avg("pnl", filter=lost),
        largest_win=Max("pnl", filter=won),
        largest_loss=Min("pnl", filter=lost),
    )


def harder_costs_of(backtest: Backtest) -> str:
    """How the column of the run at higher costs is headed."""
    return "Costs doubled" if any(backtest.costs.values()) else f"At {ASSUMED_SLIPPAGE_BPS:g} bps slippage"


def returns_of(curve: BacktestCurve, capital: float) -> Returns:
    """Returns by month and year, and the worst drawdowns."""
    sessions, equity = curve.sessions(), np.array(curve.equity, float)
    calendar = np.empty(0, "datetime64[D]")
    if len(sessions):
        first, last = sessions[[0, -1]].tolist()
        calendar = sessions_between(date(first.year, 1, 1), date(last.year, 12, 31))
    years = calendar_returns(sessions, equity, capital, calendar)
    whole = [
        (f"{year.number}-{month:02}", cell.value)
        for year in years
        for month, cell in enumerate(year.months, 1)
        if cell and cell.whole and cell.value is not None
    ]
    return Returns(
        years=years,
        drawdowns=worst_drawdowns(sessions, equity, capital),
        best=max(whole, key=lambda month: month[1], default=None),
        worst=min(whole, key=lambda month: month[1], default=None),
        gained=sum(value > 0 for _, value in whole),
        months=len(whole),
        has_rolling=len(sessions) >= ROLLING_SESSIONS,
    )


def origins_of(backtest: Backtest) -> tuple[list[Origin], list[str]]:
    """What it was made from beside what is there today, and what to mind when reading the figures."""
    series = find_series(backtest.symbols, backtest.timeframe)
    notes = _short_of_bars(backtest, series) + _short_of_warmup(backtest)
    return compare(backtest.kind, backtest.provenance, series), notes


def verdict_of(backtest: Backtest) -> Verdict | None:
    """Of a backtest that repeats another one: whether the same came out, and if not, what was not the same."""
    if not (repeats := backtest.repeats):
        return None
    of, same = repeats["backtest"], repeats["result"] == backtest.provenance.get("result")
    first = Backtest.objects.filter(user_id=backtest.user_id, pk=of).first()
    if same:
        words = "The same trades and the same equity, to the last bit."
    elif first is None:
        words = "Another result, and the first run has been deleted since: what differs cannot be said any more."
    elif causes := differences(first.provenance, backtest.provenance):
        words = f"Another result: {', '.join(causes)} changed in between."
    else:
        words = "Another result from the same code and the same bars. That must not be: please report it."
    return Verdict(of, first is not None, same, words)


def _short_of_bars(backtest: Backtest, series: dict[str, BarSeries]) -> list[str]:
    words = []
    for symbol in backtest.symbols:
        if symbol not in series:
            continue
        first, last = date_range_of(series[symbol])
        if first > backtest.end_date or last < backtest.start_date:
            words.append(f"{symbol} has no bars in this period and was not traded.")
        elif first > backtest.start_date and len(sessions_between(backtest.start_date, first)) > 1:
            words.append(f"{symbol} has bars from {first} on and was not traded before.")
    return words


def _short_of_warmup(backtest: Backtest) -> list[str]:
    """Symbols that the strategy could not decide on from the first bar of the period on, those alike together."""
    try:
        needed = backtest.make_kind().warmup()
    except InvalidParameters:  # the kind is not installed any more
        return []
    alike: dict[tuple[int, int], list[str]] = {}
    for symbol, data in sorted(backtest.provenance.get("data", {}).items()):
        bars, before = data.get("bars", 0), data.get("bars_before", 0)
        if bars and before + 1 < needed:
            alike.setdefault((bars, before), []).append(symbol)
    words = []
    for (bars, before), symbols in alike.items():
        first = needed - before
        begins = f"its first decision is on bar {first:,} of the period" if first <= bars else "it never decides"
        earlier = f"{before:,}" if before else "none"
        has = f"{bars:,} {'bar' if bars == 1 else 'bars'} and {earlier} before it"
        words.append(
            f"{', '.join(symbols)}: the period has {has}. The strategy needs {needed:,} to begin, so {begins}."
        )
    return words
