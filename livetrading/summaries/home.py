"""The rows of the home page: what is held and what runs, each with its small line."""

from dataclasses import dataclass
from datetime import datetime

from livetrading.summaries.account import AccountSummary
from livetrading.summaries.positions import OpenLot, with_trades
from livetrading.summaries.running import RunningRow, read_sessions, running_rows
from livetrading.summaries.sparklines import Sparkline, sparkline
from livetrading.summaries.strategies import ordered, summarize_strategies
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars

ROWS = 10


@dataclass(frozen=True, slots=True)
class HeldRow:
    lot: OpenLot
    name: str
    line: Sparkline | None


@dataclass(frozen=True, slots=True)
class HomeLists:
    """held: the largest of the lots first; running: what is checked first. Both have at most ROWS rows."""

    held: list[HeldRow]
    lots: int
    running: list[RunningRow]
    more_running: int

    @property
    def more_held(self) -> int:
        return self.lots - len(self.held)


def read_lists(user: User, account: AccountSummary, strategies: int, now: datetime) -> HomeLists:
    """strategies: how many the user has. The number of queries depends on no number of rows."""
    lots = sorted(
        (lot for position in account.positions for lot in position.lots), key=lambda lot: -lot.market_value
    )
    shown = with_trades(lots[:ROWS], account.account) if account.account else []
    running = summarize_strategies(user, ordered(user)[:ROWS], now, account)
    sessions = read_sessions(user.pk, account, now)
    return HomeLists(
        held=[_held(lot, sessions.bars.get(lot.trade.symbol)) for lot in shown],
        lots=len(lots),
        running=running_rows(running, account, sessions),
        more_running=max(0, strategies - len(running)),
    )


def _held(lot: OpenLot, bars: Bars | None) -> HeldRow:
    closes = bars.close.tolist() if bars is not None else []
    live = lot.whole_trade.live_strategy
    line = sparkline(closes, change=float(lot.today or 0))
    return HeldRow(lot, live.name if live else "By hand", line)
