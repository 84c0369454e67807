"""The backtest semantics once more, with dictionaries and lists: slow, and read easily.

It shares the core's rules with the kernel and nothing else: neither arrays, nor a panel, nor numbers for states.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from tradedesk.core import fills
from tradedesk.core.bars import Bars
from tradedesk.core.money import round_money
from tradedesk.core.risk import Refusal, entry_refusal
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals
from tradedesk.core.sizing import order_quantity


@dataclass
class Lot:
    symbol: str
    quantity: float
    bought: datetime
    entry_price: float
    stop: float
    target: float
    sold: datetime | None = None
    exit_price: float = 0.0
    reason: int = fills.NO_EXIT


@dataclass
class Desk:
    """`replay` fills equity (by time), cash (at the end) and lots (in the order they were bought)."""

    bars: Mapping[str, Bars]
    signals: Mapping[str, Signals]
    capital: float
    rules: RiskRules
    costs: Costs

    def __post_init__(self) -> None:
        self.cash = self.capital
        self.lots: list[Lot] = []
        self.held: dict[str, Lot] = {}
        self.sells: set[str] = set()
        self.buys: dict[str, tuple[float, float]] = {}  # strength, shares
        self.equity: dict[datetime, float] = {}
        self.row = {
            symbol: {time: row for row, time in enumerate(own.time.tolist())} for symbol, own in self.bars.items()
        }

    def replay(self) -> None:
        for now in sorted({time for rows in self.row.values() for time in rows}):
            here = {symbol: rows[now] for symbol, rows in sorted(self.row.items()) if now in rows}
            self._trade(now, here)
            self.equity[now] = round_money(self.cash + sum(self._value(lot, now) for lot in self.held.values()))
            self._decide(now, here)

    def _trade(self, now: datetime, here: dict[str, int]) -> None:
        slippage = self.costs.slippage_bps
        for symbol in [symbol for symbol in here if symbol in self.sells]:
            price = fills.sell_price(self.bars[symbol].open[here[symbol]], slippage)
            self._sell(self.held[symbol], now, price, fills.EXIT_SIGNAL)
            self.sells.remove(symbol)
        waiting = [symbol for symbol in here if symbol in self.buys]
        for symbol in sorted(waiting, key=lambda symbol: (-self.buys[symbol][0], symbol)):
            _, shares = self.buys.pop(symbol)
            self._buy(symbol, now, fills.buy_price(self.bars[symbol].open[here[symbol]], slippage), shares)
        for symbol in [symbol for symbol in here if symbol in self.held]:
            own, row, lot = self.bars[symbol], here[symbol], self.held[symbol]
            reason, price = fills.protective_exit(
                own.open[row], own.high[row], own.low[row], lot.stop, lot.target, slippage
            )
            if reason != fills.NO_EXIT:
                self._sell(lot, now, price, reason)

    def _decide(self, now: datetime, here: dict[str, int]) -> None:
        wishes = []
        for symbol, row in here.items():
            side = self.signals[symbol].side[row]
            if side < 0 and symbol in self.held:
                self.sells.add(symbol)
            if side > 0 and symbol not in self.held:
                wishes.append((-self.signals[symbol].strength[row], symbol))
        for negative, symbol in sorted(wishes):
            if self._refusal(now, -negative) == Refusal.NONE:
                shares = order_quantity(
                    self.equity[now],
                    self.bars[symbol].close[here[symbol]],
                    self.rules.position_size_pct,
                    self.rules.max_position_size or inf,
                    self.rules.fractional,
                )
                if shares:
                    self.buys[symbol] = (-negative, shares)

    def _refusal(self, now: datetime, strength: float) -> int:
        today = (now - timedelta(hours=4)).date()
        before = [self.equity[time] for time in self.equity if (time - timedelta(hours=4)).date() < today]
        code: int = entry_refusal(
            strength,
            self.rules.signal_threshold,
            len(set(self.held) - self.sells) + len(self.buys),
            self.rules.max_positions,
            (before[-1] if before else self.capital) - self.equity[now],
            self.rules.daily_loss_limit or inf,
            self.equity[now],
            max(self.capital, *self.equity.values()),
            self.rules.max_drawdown_pct or inf,
        )
        return code

    def _buy(self, symbol: str, now: datetime, price: float, shares: float) -> None:
        costs = self.costs
        fees = (costs.commission_per_order, costs.commission_per_share, costs.commission_bps)
        shares = fills.affordable(shares, price, self.cash, *fees, self.rules.fractional)
        if shares:
            self._book(-shares * price - self.fee(shares, price))
            lot = Lot(
                symbol,
                shares,
                now,
                price,
                fills.stop_price(price, self.rules.stop_loss_pct),
                fills.target_price(price, self.rules.take_profit_pct or inf),
            )
            self.held[symbol] = lot
            self.lots.append(lot)

    def _sell(self, lot: Lot, now: datetime, price: float, reason: int) -> None:
        self._book(lot.quantity * price - self.fee(lot.quantity, price))
        lot.sold, lot.exit_price, lot.reason = now, price, reason
        del self.held[lot.symbol]

    def _book(self, amount: float) -> None:
        self.cash = round_money(self.cash + round_money(amount))

    def _value(self, lot: Lot, now: datetime) -> float:
        own = self.bars[lot.symbol]
        last = max(row for time, row in self.row[lot.symbol].items() if time <= now)
        return float(lot.quantity * own.close[last])

    def fee(self, shares: float, price: float) -> float:
        costs = self.costs
        amount: float = fills.commission(
            shares, price, costs.commission_per_order, costs.commission_per_share, costs.commission_bps
        )
        return amount
