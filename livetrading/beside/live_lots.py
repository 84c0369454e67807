"""What a live strategy has traded in a stretch: its lots and the money of its fills."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field

from livetrading.beside.curves import Flow
from livetrading.beside.matching import Lot
from livetrading.beside.stretch import Stretch
from livetrading.models import LiveStrategy
from livetrading.models.signal import OrderSide
from livetrading.models.trade import Trade, trades_of


@dataclass(slots=True)
class LiveLots:
    """lots: bought within the stretch, numbered as `trades`. flows: of their fills. handed_over: the number of
    lots that were bought before, by an earlier version."""

    lots: list[Lot] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    handed_over: int = 0

    @property
    def closed(self) -> int:
        return sum(not lot.is_open for lot in self.lots)


def read_lots(live: LiveStrategy, stretch: Stretch) -> LiveLots:
    """Two queries. What was filled after the last bar of the stretch has not happened yet."""
    found = LiveLots()
    flows = _flows(live, stretch)
    marks = dict(zip(stretch.matrix.symbols, stretch.matrix.mark[-1].tolist(), strict=True))
    trades: list[Trade] = list(trades_of(live, live.mode).order_by("entry_time", "pk"))
    for trade in trades:
        row = stretch.row_of(trade.entry_time)
        if trade.symbol not in marks or trade.entry_time > stretch.last_close:
            continue
        if row < stretch.first:
            found.handed_over += 1
            continue
        own = flows.get(trade.opening_order_id, [])
        held = sum(flow.shares for flow in own)
        sold = trade.exit_time is not None and trade.exit_time <= stretch.last_close
        found.flows += own
        found.lots.append(
            Lot(
                trade.symbol,
                float(trade.quantity),
                row,
                float(trade.entry_price),
                stretch.row_of(trade.exit_time) if sold and trade.exit_time else None,
                float(trade.exit_price) if sold and trade.exit_price is not None else None,
                sum(flow.cash for flow in own) + (0.0 if sold else held * marks[trade.symbol]),
                key=len(found.trades),
                exit_reason=trade.exit_reason if sold else "",
            )
        )
        found.trades.append(trade)
    return found


def _flows(live: LiveStrategy, stretch: Stretch) -> dict[uuid.UUID, list[Flow]]:
    """The fills of each lot, by its entry order."""
    columns = {symbol: place for place, symbol in enumerate(stretch.matrix.symbols)}
    fills = live.account.fills.filter(
        order__live_strategy=live, order__symbol__in=list(columns), time__lte=stretch.last_close, undone_by=""
    )
    found: defaultdict[uuid.UUID, list[Flow]] = defaultdict(list)
    names = ("order_id", "order__opening_order_id", "order__side", "order__symbol")
    for order_id, opening_id, side, symbol, time, quantity, price, commission in fills.values_list(
        *names, "time", "quantity", "price", "commission"
    ):
        session = stretch.session_of(max(stretch.row_of(time), stretch.first))
        shares = float(quantity if side == OrderSide.BUY else -quantity)
        cash = -shares * float(price) - float(commission)
        found[opening_id or order_id].append(Flow(session, columns[symbol], shares, cash))
    return found
