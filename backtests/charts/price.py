"""The price chart of a symbol: bars, indicator lines, and trades with their entries, exits, stops and targets."""

from collections.abc import Iterable
from typing import Any

from backtests.models import Backtest, BacktestTrade
from strategies.kinds import InvalidParameters
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.fills import ExitReason
from tradedesk.marketdata.chart_columns import RoundTrip, fill_columns, fills_of, price_columns, trade_columns
from tradedesk.marketdata.library import load_many

EXIT_TEXTS = {
    ExitReason.SIGNAL: "Sell signal",
    ExitReason.STOP_LOSS: "Stop loss reached",
    ExitReason.TRAILING_STOP: "Trailing stop reached",
    ExitReason.TAKE_PROFIT: "Target reached",
    ExitReason.MANUAL: "Sold by hand",
}


def price_chart(backtest: Backtest, symbol: str) -> dict[str, Any]:
    """The columns of prices, trades and fills of one of the backtest's symbols, from the bars in the store now.

    Raises NoBars and DamagedBars.
    """
    start, end = backtest.period
    timeframe = backtest.timeframe
    whole = load_many(backtest.user_id, backtest.symbols, timeframe)
    history = {name: bars.until(end) for name, bars in whole.items()}
    bars = history[symbol].since(start)
    lines, pane = _lines(backtest, history, symbol)
    before = len(history[symbol]) - len(bars)
    trips = round_trips(backtest.trades.filter(symbol=symbol))
    trades = trade_columns(bars, timeframe, trips)
    return {
        **price_columns(bars, timeframe, {name: values[before:] for name, values in lines.items()}, pane),
        "trades": trades,
        "fills": fill_columns(bars, timeframe, fills_of(trips), trades),
    }


def round_trips(trades: Iterable[BacktestTrade]) -> list[RoundTrip]:
    return [
        RoundTrip(
            id=trade.pk,
            entry_time=trade.entry_time,
            entry_price=trade.entry_price,
            exit_time=trade.exit_time,
            exit_price=trade.exit_price,
            quantity=trade.quantity,
            stop=trade.initial_stop_price,
            target=trade.target_price,
            pnl=trade.pnl,
            r=trade.r_multiple,
            why_in="Buy signal",
            why_out=EXIT_TEXTS[ExitReason(trade.exit_reason)] if trade.exit_time else "",
        )
        for trade in trades
    ]


def _lines(backtest: Backtest, history: dict[str, Bars], symbol: str) -> tuple[dict[str, Floats], int]:
    """The indicator lines (n,) of the symbol by name, and the pane to draw them in."""
    try:
        kind = backtest.make_kind()
    except InvalidParameters:  # the kind is no longer installed: draw bars and trades without lines
        return {}, 0
    with_bars = {name: bars for name, bars in history.items() if len(bars)}
    signals = kind.signals_by_symbol(with_bars)
    return signals[symbol].lines if symbol in signals else {}, 0 if kind.overlay else 1
