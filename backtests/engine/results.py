"""Results: the outcome of a backtest, as arrays for the metrics and as records for the pages and the API."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtests.engine.kernel import Lots
from tradedesk.core.bars import Floats, Times
from tradedesk.core.fills import EXIT_REASONS, ExitReason
from tradedesk.core.metrics import r_multiple
from tradedesk.core.money import PLACES
from tradedesk.core.risk import Refusal


class Trade(NamedTuple):
    """A closed lot. Times are the opening times of the bars of its entry and its exit, aware, in UTC.

    commission: dollars, both sides. pnl: dollars, after commission. return_fraction: pnl as a fraction of the
    dollars paid. r_multiple: pnl over the amount that the initial stop put at risk, None when there was none or it
    was not below the entry price. stop_price: the last one, above the initial stop if a trailing stop was raised.
    """

    symbol: str
    quantity: float
    entry_time: datetime
    entry_price: float
    exit_time: datetime
    exit_price: float
    exit_reason: ExitReason
    pnl: float
    return_fraction: float
    commission: float
    r_multiple: float | None
    initial_stop: float | None
    stop_price: float | None
    target_price: float | None


class OpenPosition(NamedTuple):
    """A lot that is still open at the end, marked at its symbol's last close.

    stop_price: the last one, as in Trade. commission: dollars paid so far. unrealized_pnl: dollars, after that
    commission, before the costs of an exit.
    """

    symbol: str
    quantity: float
    entry_time: datetime
    entry_price: float
    initial_stop: float | None
    stop_price: float | None
    target_price: float | None
    commission: float
    last_price: float
    unrealized_pnl: float


@dataclass(frozen=True, eq=False)
class Result:
    """m bars of a backtest: time (m,), equity (m,) in dollars at each close, cash in dollars at the end.

    closed: the sold lots in the order of sale; held: the open lots in the order of purchase (dtype kernel.LOT).
    marks: each symbol's last close. exposure: the fraction of the m bars in which a lot was held at any time.
    outcomes: the number of BUY signals by Refusal code; NONE is those that were filled.
    """

    time: Times
    equity: Floats
    cash: float
    closed: Lots
    held: Lots
    exposure: float
    symbols: tuple[str, ...]
    marks: Floats
    outcomes: NDArray[np.int64]

    @property
    def buy_signals(self) -> dict[str, int]:
        """The number of BUY signals by outcome: "filled", or the name of a Refusal."""
        names = ["filled", *(code.name.lower() for code in Refusal if code is not Refusal.NONE)]
        return dict(zip(names, self.outcomes.tolist(), strict=True))

    @cached_property
    def invested(self) -> Floats:
        """Dollars in positions at each close (m,): the equity minus the cash."""
        spent = np.zeros(len(self.time))
        for lots in (self.closed, self.held):
            np.add.at(spent, lots["entry_row"], lots["paid"])
        np.subtract.at(spent, self.closed["exit_row"], self.closed["paid"] + self.closed["pnl"])
        cash = self.cash + spent.sum() - spent.cumsum()
        # Rounded as the kernel rounds, so that 0.0 is invested when no lot is held.
        invested: Floats = (self.equity - cash).round(PLACES) + 0.0
        return invested

    @cached_property
    def r_multiples(self) -> Floats:
        """The R-multiple of each closed lot, NaN where it is not defined."""
        lots = self.closed
        return r_multiple(lots["pnl"], lots["quantity"], lots["entry_price"], lots["initial_stop"])

    @cached_property
    def trades(self) -> list[Trade]:
        """The closed lots as records, in the order of sale."""
        lots = self.closed
        columns = (
            lots["quantity"].tolist(),
            self._moments(lots["entry_row"]),
            lots["entry_price"].tolist(),
            self._moments(lots["exit_row"]),
            lots["exit_price"].tolist(),
            [EXIT_REASONS[reason] for reason in lots["exit_reason"].tolist()],
            lots["pnl"].tolist(),
            (lots["pnl"] / lots["paid"]).tolist(),
            lots["commission"].tolist(),
            _or_none(self.r_multiples),
            _or_none(lots["initial_stop"]),
            _or_none(lots["stop_price"]),
            _or_none(lots["target_price"]),
        )
        return [*map(Trade._make, zip(self._names(lots), *columns, strict=True))]

    @cached_property
    def open_positions(self) -> list[OpenPosition]:
        """The open lots as records, in the order of purchase."""
        lots = self.held
        marks = self.marks[lots["symbol"]]
        columns = (
            lots["quantity"].tolist(),
            self._moments(lots["entry_row"]),
            lots["entry_price"].tolist(),
            _or_none(lots["initial_stop"]),
            _or_none(lots["stop_price"]),
            _or_none(lots["target_price"]),
            lots["commission"].tolist(),
            marks.tolist(),
            (lots["quantity"] * marks - lots["paid"]).tolist(),
        )
        return [*map(OpenPosition._make, zip(self._names(lots), *columns, strict=True))]

    def _names(self, lots: Lots) -> list[str]:
        return [self.symbols[symbol] for symbol in lots["symbol"].tolist()]

    def _moments(self, rows: NDArray[np.int64]) -> list[datetime]:
        microseconds = self.time[rows].astype("datetime64[us]").astype(np.int64).tolist()
        return [datetime.fromtimestamp(each / 1e6, UTC) for each in microseconds]


def _or_none(values: Floats) -> list[float | None]:
    numbers: list[float | None] = values.tolist()
    finite = np.isfinite(values)
    if finite.all():
        return numbers
    return [value if known else None for value, known in zip(numbers, finite.tolist(), strict=True)]
