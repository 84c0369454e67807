"""The preview of rules while they are written: the last bars of one symbol, the lines of the kind and its signals.

A page asks for it with every change of a field. So it is bounded: bars, symbols, signals and seconds. The code of
a plugin does not run here: its preview shows the prices alone.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from strategies.kinds import Kind
from tradedesk.core.bars import Bars, to_datetime
from tradedesk.core.signals import Side, Signals
from tradedesk.marketdata.chart_columns import FillPoint, fill_columns, price_columns, trade_columns
from tradedesk.marketdata.library import NoBars, available_symbols, closed, find_series
from tradedesk.marketdata.quotes import load_readable

# Three years of days; a kind gets the bars before that it remembers.
BARS = 750
# Of all symbols together, for a kind that ranks them.
ROWS = 200_000
# The newest signals that are marked, each with its explanation.
MARKED = 300
# The bars are few, so only the first compilation of a kind, or a busy machine, takes longer.
SECONDS = 5.0
SIDES = {Side.BUY: "buy", Side.SELL: "sell"}

log = logging.getLogger(__name__)
# Threads of their own, because a page can stop waiting for one, but nothing can stop it: no more than these run.
_pool = ThreadPoolExecutor(2, thread_name_prefix="preview")


class PreviewRefused(Exception):
    """Why there is no preview, by the field of the form that can change it."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class PreviewLate(Exception):
    """There was no result within SECONDS."""


def preview(
    user_id: int, kind: Kind | None, symbols: Sequence[str], symbol: str, timeframe: str, now: datetime
) -> dict[str, Any]:
    """The columns of a price chart of `symbol`, with the signals as fills, and "signals" in figures.

    kind: None shows the prices alone. symbols: of the strategy. symbol: "" for the first of them that has bars,
    else for the first symbol that has any. Raises PreviewRefused and PreviewLate.
    """
    shown = symbol or _first_with_bars(user_id, symbols, timeframe)
    ranked = {shown, *symbols} if kind and kind.across_symbols else {shown}
    history = load_readable(user_id, ranked, timeframe)
    if shown not in history:
        raise PreviewRefused({"preview_symbol": f"{shown} has no {timeframe} bars. Choose another symbol."})
    most = min(BARS + (kind.memory() if kind else 0), ROWS // len(history))
    windows = {name: closed(bars, timeframe, now, most) for name, bars in history.items()}
    before = max(len(windows[shown]) - BARS, 0)
    bars = windows[shown][before:]
    if not len(bars):
        raise PreviewRefused(
            {"preview_symbol": f"No {timeframe} bar of {shown} has closed yet at the current market time."}
        )
    found = _signals(kind, {name: own for name, own in windows.items() if len(own)}, shown) if kind else None
    lines = {name: values[before:] for name, values in found.lines.items()} if found else {}
    points = list(_marks(kind, found, windows[shown], before)) if kind and found else []
    trades = trade_columns(bars, timeframe, ())
    return {
        "symbol": shown,
        "name": f"{timeframe} · {kind.name}" if kind else timeframe,
        **price_columns(bars, timeframe, lines, 0 if kind is None or kind.overlay else 1),
        "trades": trades,
        "fills": fill_columns(bars, timeframe, points, trades),
        "signals": None if found is None or kind is None else _figures(found, before, kind.warmup()),
    }


def _first_with_bars(user_id: int, symbols: Sequence[str], timeframe: str) -> str:
    found = find_series(user_id, symbols, timeframe)
    first = next((symbol for symbol in symbols if symbol in found), "")
    if first:
        return first
    others = available_symbols(user_id, timeframe)
    if not others:
        refusal = NoBars(symbols or ["AAPL"], timeframe)
        raise PreviewRefused({"preview_symbol": str(refusal)})
    return others[0]


def _signals(kind: Kind, windows: Mapping[str, Bars], symbol: str) -> Signals:
    running = _pool.submit(kind.signals_by_symbol, windows)
    try:
        return running.result(SECONDS)[symbol]
    except TimeoutError:
        running.cancel()  # one that waits for its turn is not computed at all
        raise PreviewLate from None
    except Exception as error:
        log.exception("The preview of %r failed.", kind)
        raise PreviewRefused({"": f"{kind.name} cannot be computed on the bars of {symbol}."}) from error


def _marks(kind: Kind, signals: Signals, bars: Bars, before: int) -> Iterable[FillPoint]:
    """The newest signals at the close of their bar. Nothing is bought yet, so they have no quantity."""
    for row in _rows(signals, before)[-MARKED:]:
        yield FillPoint(
            to_datetime(bars.time[row]),
            SIDES[Side(signals.side[row])],
            None,
            Decimal(repr(float(bars.close[row]))),
            None,
            kind.explain(signals, int(row)),
        )


def _rows(signals: Signals, before: int) -> list[int]:
    rows = np.flatnonzero(signals.side != Side.HOLD)
    return [int(row) for row in rows[rows >= before]]


def _figures(signals: Signals, before: int, warmup: int) -> dict[str, int]:
    side = signals.side[before:]
    return {
        "bars": len(side),
        "buys": int(np.count_nonzero(side == Side.BUY)),
        "sells": int(np.count_nonzero(side == Side.SELL)),
        "warmup": warmup,
    }
