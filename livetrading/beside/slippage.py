"""The slippage that was paid against the one that was assumed. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from livetrading.beside.matching import Lot, MatchedFill
from tradedesk.core.fills import ExitReason


class Slippage(NamedTuple):
    """fills: those compared. paid, assumed: dollars. dollars: what the fills traded at the price without
    slippage."""

    fills: int
    paid: float
    assumed: float
    dollars: float

    @property
    def paid_bps(self) -> float | None:
        return self.paid / self.dollars * 1e4 if self.dollars else None

    @property
    def assumed_bps(self) -> float | None:
        return self.assumed / self.dollars * 1e4 if self.dollars else None


def slippage_of(fills: Iterable[MatchedFill], tested_bps: float, assumed_bps: float) -> Slippage:
    """Of the fills that both made on the same bar, at the shares of live.

    tested_bps: that the backtest of the stretch filled with; without it, its price is the one that the slippage is
    measured from. A target is a limit order, of which no slippage is assumed.
    """
    count, paid, assumed, dollars = 0, 0.0, 0.0, 0.0
    for fill in fills:
        live, tested = fill.live, fill.tested
        if live is None or tested is None or fill.price is None or fill.tested_price is None:
            continue
        if _bar(live, fill.is_entry) != _bar(tested, fill.is_entry):
            continue
        sign = 1.0 if fill.is_entry else -1.0
        is_limit = not fill.is_entry and tested.exit_reason == ExitReason.TAKE_PROFIT
        reference = fill.tested_price if is_limit else fill.tested_price / (1.0 + sign * tested_bps / 1e4)
        count += 1
        dollars += live.quantity * reference
        paid += sign * live.quantity * (fill.price - reference)
        assumed += 0.0 if is_limit else live.quantity * reference * assumed_bps / 1e4
    return Slippage(count, paid, assumed, dollars)


def _bar(lot: Lot, is_entry: bool) -> int | None:
    return lot.entry_bar if is_entry else lot.exit_bar
