"""The price charts of live trading: of a strategy, of a position and of one trade, up to the market's now.

Everything is bounded, because the charts are polled: bars, trades and fills.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import F, Q, QuerySet

from livetrading.models import BrokerAccount, Fill, LiveStrategy, Order
from livetrading.models.trade import Trade, Trades, trades_of
from livetrading.pipeline.kind_code import KindFailed, kind_code
from livetrading.summaries.trade_bars import held_rows, marks_of
from strategies.kinds import InvalidParameters, plugin_of
from strategies.kinds.base import Kind
from tradedesk.core.bars import Bars, Floats, to_datetime
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.chart_columns import (
    FillPoint,
    RoundTrip,
    column,
    fill_columns,
    point_spans,
    price_columns,
    trade_columns,
)
from tradedesk.marketdata.library import NoBars, closed
from tradedesk.marketdata.quotes import load_readable
from tradedesk.marketdata.sessions import bar_close

# Sixteen months of days, or a day of minutes.
BARS = 400
TRADES, FILLS = 200, 400
# Bars around a closed trade.
BEFORE, AFTER = 60, 20

Lines = dict[str, Floats]


def strategy_chart(live: LiveStrategy, symbol: str, now: datetime) -> dict[str, Any]:
    """Prices with the lines of the kind, and the strategy's own trades and fills in the symbol. Raises NoBars."""
    bars, lines, pane = _with_lines(live.user_id, live, symbol, live.timeframe, now, BARS)
    trades = trades_of(live, live.mode).filter(symbol=symbol)
    fills = Fill.objects.filter(account=live.account_id, order__live_strategy=live, order__symbol=symbol)
    chart = _chart(bars, live.timeframe, lines, pane, _shown(trades, bars), _executed(fills, bars))
    return {"symbol": symbol, "name": live.name, **chart}


def position_chart(account: BrokerAccount, symbol: str, timeframe: str, now: datetime) -> dict[str, Any]:
    """Prices and all trades and fills of the account in the symbol. Raises NoBars."""
    bars, _, _ = _with_lines(account.user_id, None, symbol, timeframe, now, BARS)
    trades = trades_of(account, account.mode).filter(symbol=symbol)
    fills = Fill.objects.filter(account=account, order__symbol=symbol)
    chart = _chart(bars, timeframe, {}, 0, _shown(trades, bars), _executed(fills, bars))
    return {"symbol": symbol, "name": "All strategies", **chart}


def trade_chart(trade: Trade, now: datetime) -> dict[str, Any]:
    """Prices from BEFORE bars before the entry to AFTER bars behind the exit, or up to now, with this trade alone,
    and lines at its MAE and MFE while it was held. Raises NoBars."""
    live = trade.live_strategy
    until, rows = _window(trade, now)
    bars, lines, pane = _with_lines(trade.user_id, live, trade.symbol, trade.timeframe, until, rows)
    # Two lookups: a database that is asked for either at once reads all fills.
    opening = trade.opening_order_id
    orders = [opening, *Order.objects.filter(opening_order=opening).order_by().values_list("pk", flat=True)]
    fills = Fill.objects.filter(order__in=orders, account=trade.account_id)
    chart = _chart(bars, trade.timeframe, lines, pane, [trade], _executed(fills, bars))
    marks = marks_of(trade, bars)
    if marks:
        start, end = held_rows(trade, bars)
        _, points = point_spans(len(bars))
        held = (points >= start) & (points <= end)
        chart["lines"] += [
            {"name": name.upper(), "pane": 0, "values": column(np.where(held, mark["price"], np.nan), 4)}
            for name, mark in marks.items()
        ]
    return chart


def _window(trade: Trade, now: datetime) -> tuple[datetime, int]:
    """When the last bar of the trade's chart has closed, and how many bars that chart has, so that the rest of
    a long history is not worked on. Raises NoBars."""
    found = load_readable(trade.user_id, {trade.symbol}, trade.timeframe)
    if trade.symbol not in found:
        raise NoBars([trade.symbol], trade.timeframe)
    history = closed(found[trade.symbol], trade.timeframe, now)
    first = max(len(history.until(trade.entry_time)) - 1 - BEFORE, 0)
    last = len(history)
    if trade.exit_time is not None:
        last = min(last, len(history.until(trade.exit_time)) + AFTER)
    until = (
        now if last == len(history) else to_datetime(bar_close(history.time[last - 1 : last], trade.timeframe)[0])
    )
    return until, last - first


def _chart(
    bars: Bars, timeframe: str, lines: Lines, pane: int, trades: Iterable[Trade], fills: Iterable[Fill]
) -> dict[str, Any]:
    last = to_decimal(float(bars.close[-1])) if len(bars) else None
    held = list(trades)
    columns = trade_columns(bars, timeframe, (_round_trip(trade, last) for trade in held))
    lots = {trade.opening_order_id: trade.pk for trade in held}
    points = [_fill_point(fill, lots.get(fill.order.opening_order_id or fill.order_id)) for fill in fills]
    return {
        **price_columns(bars, timeframe, lines, pane),
        "trades": columns,
        "fills": fill_columns(bars, timeframe, points, columns),
    }


def _round_trip(trade: Trade, last: Decimal | None) -> RoundTrip:
    """An open lot has what is left of it, its present stop and its unrealized profit at the last close."""
    if trade.is_open:
        quantity = trade.open_quantity
        pnl = None if last is None else (last - trade.entry_price) * quantity
        stop, r = trade.stop_price, None
    else:
        quantity, pnl, stop, r = trade.quantity, trade.pnl, trade.initial_stop_price, trade.r_multiple
    return RoundTrip(
        id=trade.pk,
        entry_time=trade.entry_time,
        entry_price=trade.entry_price,
        exit_time=trade.exit_time,
        exit_price=trade.exit_price,
        quantity=quantity,
        stop=stop,
        target=trade.target_price,
        pnl=pnl,
        r=r,
    )


def _fill_point(fill: Fill, trade: int | None) -> FillPoint:
    order = fill.order
    text = order.signal.explanation if order.signal else order.get_purpose_display()
    return FillPoint(fill.time, order.side, fill.quantity, fill.price, trade, text)


def _shown(trades: Trades, bars: Bars) -> list[Trade]:
    """The open ones, and the newest of those that were closed within the bars."""
    if not len(bars):
        return []
    recent = trades.filter(Q(exit_time=None) | Q(exit_time__gte=to_datetime(bars.time[0])))
    return list(recent.order_by(F("exit_time").desc(nulls_first=True), "-pk")[:TRADES])


def _executed(fills: "QuerySet[Fill]", bars: Bars) -> list[Fill]:
    """The newest fills within the bars that still count."""
    if not len(bars):
        return []
    within = fills.filter(undone_by="", time__gte=to_datetime(bars.time[0]))
    return list(within.select_related("order__signal").order_by("-time", "-pk")[:FILLS])


def _with_lines(
    user_id: int, live: LiveStrategy | None, symbol: str, timeframe: str, now: datetime, last: int
) -> tuple[Bars, Lines, int]:
    """The last closed bars of the symbol, the lines of the strategy's kind at them, and the pane to draw these in.
    The kind gets the bars before that it remembers, as at a check. Raises NoBars."""
    kind = None if live is None else _kind_of(live)
    symbols = {symbol, *live.symbols} if live and kind and kind.across_symbols else {symbol}
    history = load_readable(user_id, symbols, timeframe)
    if symbol not in history:
        raise NoBars([symbol], timeframe)
    window = last + (kind.memory() if kind else 0)
    windows = {name: closed(bars, timeframe, now, window) for name, bars in history.items()}
    before = max(len(windows[symbol]) - last, 0)
    bars = windows[symbol][before:]
    if kind is None or not len(bars):
        return bars, {}, 0
    try:
        with kind_code():
            found = kind.signals_by_symbol({name: own for name, own in windows.items() if len(own)})
    except KindFailed:  # the strategy's page says so; its chart has no lines
        return bars, {}, 0
    lines = {name: values[before:] for name, values in found[symbol].lines.items()}
    return bars, lines, 0 if kind.overlay else 1


def _kind_of(live: LiveStrategy) -> Kind | None:
    """None for a kind that is gone, and for a plugin: no page runs a trader's code."""
    if plugin_of(live.kind) is not None:
        return None
    try:
        return live.make_kind()
    except InvalidParameters:
        return None
