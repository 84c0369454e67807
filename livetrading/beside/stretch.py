"""The backtest of the stretch that a live strategy has run: its own bars, rules and costs, from its first decision
to now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backtests.engine.price_matrix import PriceMatrix, make_price_matrix
from backtests.engine.progress import Progress
from backtests.engine.results import Result
from backtests.engine.run import run_on
from backtests.services.failures import EmptyPeriod
from livetrading.beside.matching import Lot
from livetrading.models import LiveStrategy, PaperAccount
from livetrading.pipeline.validity import close_of, entry_valid_until
from strategies.kinds import Kind
from tradedesk.core.bars import Bars, Floats, Timeframe, Times, session_dates, to_datetime, to_datetime64
from tradedesk.core.metrics import Sessions
from tradedesk.core.rules import DEFAULT_COSTS, Costs, RiskRules
from tradedesk.core.true_range import PERIODS
from tradedesk.marketdata.library import closed
from tradedesk.marketdata.quotes import load_readable


@dataclass(frozen=True, eq=False)
class Stretch:
    """matrix: the bars that have closed, with what the indicators need before. first: the row of the first
    decision. result: of the backtest from that row on."""

    timeframe: str
    matrix: PriceMatrix
    first: int
    result: Result

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """The matrix row of the last bar of each session since the first decision."""
        return Sessions.from_numbers(self.matrix.session[self.first :]).ends + self.first

    @property
    def closes(self) -> Floats:
        """The last close of each session and symbol."""
        return self.matrix.mark[self.ends]

    @cached_property
    def last_close(self) -> datetime:
        """When the last bar closed; what was filled later is not compared yet."""
        return close_of(to_datetime(self.matrix.time[-1]), self.timeframe)

    def row_of(self, moment: datetime) -> int:
        """The row of the bar that a fill at `moment` belongs to."""
        time: Times = self.matrix.time
        at = to_datetime64(moment)
        if Timeframe(self.timeframe).is_dated:
            return int(np.searchsorted(session_dates(time), session_dates(np.array([at]))[0], side="right")) - 1
        return int(np.searchsorted(time, at, side="right")) - 1

    def session_of(self, row: int) -> int:
        return int(np.searchsorted(self.ends, row))

    def lots(self) -> list[Lot]:
        """Those of the backtest."""
        result = self.result
        rows = {time: row for row, time in enumerate(self.matrix.time.tolist())}

        def row_of(moment: datetime) -> int:
            return rows[moment.replace(tzinfo=None)]

        sold = [
            Lot(
                trade.symbol,
                trade.quantity,
                row_of(trade.entry_time),
                trade.entry_price,
                row_of(trade.exit_time),
                trade.exit_price,
                trade.pnl,
                exit_reason=trade.exit_reason,
            )
            for trade in result.trades
        ]
        held = [
            Lot(
                lot.symbol,
                lot.quantity,
                row_of(lot.entry_time),
                lot.entry_price,
                None,
                None,
                lot.unrealized_pnl,
            )
            for lot in result.open_positions
        ]
        return sold + held


def load_stretch(live: LiveStrategy, until: datetime) -> tuple[dict[str, Bars], datetime]:
    """The bars closed by `until`, from as many before the first decision as the kind remembers, and the time from
    which the backtest decides. Raises EmptyPeriod."""
    kind = live.make_kind()
    bars = {
        symbol: closed(own, live.timeframe, until)
        for symbol, own in load_readable(live.user_id, live.symbols, live.timeframe).items()
    }
    bars = {symbol: own for symbol, own in bars.items() if len(own)}
    if not bars:
        raise EmptyPeriod(f"There are no bars of {', '.join(live.symbols)}. Import them on the data page.")
    start = first_decision(bars, live.timeframe, live.deployed_at)
    return {symbol: with_memory(own, kind, start) for symbol, own in bars.items()}, start


def first_decision(bars: Mapping[str, Bars], timeframe: str, deployed_at: datetime) -> datetime:
    """The time of the newest bar that had closed at the deployment, whose signals the first check acts on; later
    where the entries of that bar were too late already."""
    known = [closed(own, timeframe, deployed_at) for own in bars.values()]
    newest = max((to_datetime(own.time[-1]) for own in known if len(own)), default=None)
    if newest is None:
        return deployed_at
    late = deployed_at > entry_valid_until(close_of(newest, timeframe), timeframe)
    return newest + timedelta(microseconds=1) if late else newest


def with_memory(bars: Bars, kind: Kind, start: datetime) -> Bars:
    """The bars from as many before `start` as a live check would load."""
    earlier = len(bars) - len(bars.since(start))
    return bars[max(0, earlier - max(kind.memory(), PERIODS + 1)) :]


def run_stretch(
    kind: Kind,
    timeframe: str,
    bars: dict[str, Bars],
    start: datetime,
    capital: float,
    rules: RiskRules,
    costs: Costs,
) -> Callable[[Progress], Stretch]:
    """The work, without the database, for a thread that can be stopped. Raises EmptyPeriod when no bar has closed
    since the start."""

    def work(progress: Progress) -> Stretch:
        matrix = make_price_matrix(bars)
        first = matrix.row_of(start)
        if first >= len(matrix.time):
            raise EmptyPeriod("The first bar since the deployment has not closed yet.")
        signals = kind.signals_by_symbol(bars)
        result = run_on(matrix, signals, capital=capital, rules=rules, costs=costs, start=start, progress=progress)
        return Stretch(timeframe, matrix, first, result)

    return work


def traded_rules(live: LiveStrategy) -> RiskRules:
    """The rules of the deployment, at the part of the size that it trades."""
    rules = live.risk_rules()
    most = rules.max_position_size
    return replace(
        rules,
        position_size_pct=rules.position_size_pct * live.size_fraction,
        max_position_size=None if most is None else most * live.size_fraction,
    )


def costs_of(live: LiveStrategy) -> Costs:
    """Of the simulated account; at another broker those that the deployment was tested with."""
    books = PaperAccount.objects.filter(broker_account=live.account_id).first()
    return books.costs() if books else tested_costs(live)


def tested_costs(live: LiveStrategy) -> Costs:
    if live.backtest is not None:
        return live.backtest.cost_rules()
    if live.candidate is not None:
        return live.candidate.run.cost_rules()
    return DEFAULT_COSTS
