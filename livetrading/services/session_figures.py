"""Profit and loss of one session from the fills of its lots: the same whenever it is computed. Pure."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradedesk.core.money import DUST
from tradedesk.marketdata.quotes import Quote, Series

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LotFill:
    """A fill until the session's close. lot: what tells its lot from others."""

    lot: Hashable
    series: Series
    is_buy: bool
    quantity: Decimal
    price: Decimal
    commission: Decimal
    time: datetime
    live_strategy_id: int | None = None


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """Dollars, as models.DailySummary has them."""

    today: Decimal = ZERO
    realized: Decimal = ZERO
    open_pnl: Decimal = ZERO
    exposure: Decimal = ZERO
    positions: int = 0


def session_figures(fills: Iterable[LotFill], quotes: Mapping[Series, Quote], start: datetime) -> SessionFigures:
    """fills: all of the lots that were held or traded in the session. quotes: at its close; a series without bars
    is valued at what was paid. start: of the session's day."""
    lots: dict[Hashable, list[LotFill]] = defaultdict(list)
    for fill in fills:
        lots[fill.lot].append(fill)
    today = realized = open_pnl = exposure = ZERO
    held_symbols = set[str]()
    for of_lot in lots.values():
        series = of_lot[0].series
        bought = sum((fill.quantity for fill in of_lot if fill.is_buy), ZERO)
        if not bought:
            continue  # the purchase is not among the fills, so nothing can be said
        paid = sum((fill.quantity * fill.price for fill in of_lot if fill.is_buy), ZERO) / bought
        held = bought - sum((fill.quantity for fill in of_lot if not fill.is_buy), ZERO)
        of_session = [fill for fill in of_lot if fill.time >= start]
        quote = quotes.get(series, Quote(float(paid), paid, paid))
        added = spent = ZERO
        for fill in of_session:
            shares = fill.quantity if fill.is_buy else -fill.quantity
            added += shares
            spent += shares * fill.price + fill.commission
            realized -= fill.commission
            if not fill.is_buy:
                realized += fill.quantity * (fill.price - paid)
        today += held * quote.last - (held - added) * quote.previous_close - spent
        if held > DUST:
            open_pnl += held * (quote.last - paid)
            exposure += held * quote.last
            held_symbols.add(series[0])
    return SessionFigures(today, realized, open_pnl, exposure, len(held_symbols))


def figures_by_strategy(
    fills: Iterable[LotFill], quotes: Mapping[Series, Quote], start: datetime
) -> dict[int, SessionFigures]:
    """`session_figures` of each live strategy; the lots of none are left out."""
    own: dict[int, list[LotFill]] = defaultdict(list)
    for fill in fills:
        if fill.live_strategy_id is not None:
            own[fill.live_strategy_id].append(fill)
    return {live_id: session_figures(of_strategy, quotes, start) for live_id, of_strategy in own.items()}
