"""A second implementation of the backtest, in plain Python: slow and easy to read.

It sizes and refuses entries and follows trailing stops by itself, and shares only fills and the rounding of money
with the kernel.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor, inf

from tradedesk.core import fills
from tradedesk.core.bars import Bars
from tradedesk.core.money import round_money
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals


@dataclass
class Lot:
    symbol: str
    quantity: float
    bought: datetime
    entry_price: float
    fixed: float  # 0 for none, like trailing
    target: float
    highest: float
    distance: float | None  # dollars of a trailing stop by ATR
    trailing: float = 0.0

    sold: datetime | None = None
    exit_price: float = 0.0
    reason: int = fills.NO_EXIT

    @property
    def stop(self) -> float | None:
        return max(self.fixed, self.trailing) or None


@dataclass
class ReferenceEngine:
    """`run` fills equity (by time), cash (at the end), lots (in the order of purchase) and outcomes (the number of
    BUY signals by what became of them)."""

    bars: Mapping[str, Bars]
    signals: Mapping[str, Signals]
    capital: float
    rules: RiskRules
    costs: Costs

    def __post_init__(self) -> None:
        self.cash = self.capital
        self.lots: list[Lot] = []
        self.held: dict[str, Lot] = {}
        self.exits: set[str] = set()
        self.entries: dict[str, tuple[float, float, float | None]] = {}  # strength, shares, trailing distance
        self.equity: dict[datetime, float] = {}
        self.outcomes: Counter[str] = Counter()
        self.lost: dict[str, datetime] = {}  # when each symbol was last sold at a loss
        self.row = {
            symbol: {time: row for row, time in enumerate(own.time.tolist())} for symbol, own in self.bars.items()
        }

    def run(self) -> None:
        for now in sorted({time for rows in self.row.values() for time in rows}):
            rows_now = {symbol: rows[now] for symbol, rows in sorted(self.row.items()) if now in rows}
            self._trade(now, rows_now)
            self.equity[now] = round_money(self.cash + sum(self._value(lot, now) for lot in self.held.values()))
            self._decide(now, rows_now)
        self.outcomes["no_bar"] += len(self.entries)

    def _trade(self, now: datetime, rows_now: dict[str, int]) -> None:
        slippage = self.costs.slippage_bps
        for symbol in [symbol for symbol in rows_now if symbol in self.exits]:
            price = fills.sell_price(self.bars[symbol].open[rows_now[symbol]], slippage)
            self._sell(self.held[symbol], now, price, fills.EXIT_SIGNAL)
            self.exits.remove(symbol)
        entries = [symbol for symbol in rows_now if symbol in self.entries]
        for symbol in sorted(entries, key=lambda symbol: (-self.entries[symbol][0], symbol)):
            _, shares, distance = self.entries.pop(symbol)
            price = fills.buy_price(self.bars[symbol].open[rows_now[symbol]], slippage)
            self._buy(symbol, now, price, shares, distance)
        for symbol in [symbol for symbol in rows_now if symbol in self.held]:
            own, row, lot = self.bars[symbol], rows_now[symbol], self.held[symbol]
            reason, price = fills.protective_exit(
                own.open[row], own.high[row], own.low[row], lot.stop or 0.0, lot.target, slippage
            )
            if reason == fills.EXIT_STOP_LOSS and lot.trailing > lot.fixed:
                reason = fills.EXIT_TRAILING_STOP
            if reason != fills.NO_EXIT:
                self._sell(lot, now, price, reason)
            else:
                lot.highest = max(lot.highest, own.high[row])
                lot.trailing = self._trailing(lot)

    def _decide(self, now: datetime, rows_now: dict[str, int]) -> None:
        buys = []
        for symbol, row in rows_now.items():
            side = self.signals[symbol].side[row]
            if side < 0 and symbol in self.held:
                self.exits.add(symbol)
            if side > 0 and symbol in self.held:
                self.outcomes["held"] += 1
            elif side > 0:
                buys.append((-self.signals[symbol].strength[row], symbol))
        for negative, symbol in sorted(buys):
            distance = self._distance(symbol, rows_now[symbol])
            if refused := self._refusal(now, symbol, -negative):
                self.outcomes[refused] += 1
            elif distance == 0.0:
                self.outcomes["no_true_range"] += 1
            elif shares := self._shares(self.equity[now], self.bars[symbol].close[rows_now[symbol]]):
                self.entries[symbol] = (-negative, shares, distance)
            else:
                self.outcomes["no_size"] += 1

    def _refusal(self, now: datetime, symbol: str, strength: float) -> str:
        rules, equity = self.rules, self.equity[now]
        today = (now - timedelta(hours=4)).date()
        earlier = [self.equity[time] for time in self.equity if (time - timedelta(hours=4)).date() < today]
        # The limit stays reached for the rest of the session.
        lowest = min(list(self.equity.values())[len(earlier) :])
        loss_today = (earlier[-1] if earlier else self.capital) - lowest
        peak = max(self.capital, *self.equity.values())
        positions = len(set(self.held) - self.exits) + len(self.entries)
        if strength < rules.signal_threshold:
            return "weak_signal"
        if rules.daily_loss_limit is not None and loss_today >= rules.daily_loss_limit:
            return "daily_loss"
        if rules.max_drawdown_pct is not None and (peak - equity) / peak >= rules.max_drawdown_pct:
            return "drawdown"
        if rules.cooldown_bars is not None and symbol in self.lost:
            since = [time for time in self.row[symbol] if self.lost[symbol] < time <= now]
            if len(since) < rules.cooldown_bars:
                return "cooldown"
        return "" if positions < rules.max_positions else "max_positions"

    def _shares(self, equity: float, close: float) -> float:
        rules = self.rules
        dollars = rules.position_size_pct * equity
        if rules.max_position_size is not None:
            dollars = min(dollars, rules.max_position_size)
        units = 1_000_000 if rules.fractional else 1  # of a share
        return max(floor(dollars / close * units + 1e-9), 0) / units

    def _distance(self, symbol: str, row: int) -> float | None:
        """Dollars of a trailing stop by ATR; 0 for an entry that has none, None without the rule."""
        if self.rules.trailing_stop_atr is None:
            return None
        own, ranges = self.bars[symbol], []
        for t in range(max(row - 13, 1), row + 1):
            before = own.close[t - 1]
            ranges.append(max(own.high[t], before) - min(own.low[t], before))
        return round_money(self.rules.trailing_stop_atr * sum(ranges) / 14) if len(ranges) == 14 else 0.0

    def _trailing(self, lot: Lot) -> float:
        if self.rules.trailing_stop_pct is not None:
            return round_money(lot.highest * (1.0 - self.rules.trailing_stop_pct))
        return 0.0 if lot.distance is None else round_money(max(lot.highest - lot.distance, lot.highest * 0.01))

    def _buy(self, symbol: str, now: datetime, price: float, shares: float, distance: float | None) -> None:
        costs = self.costs
        fees = (costs.commission_per_order, costs.commission_per_share, costs.commission_bps)
        shares = fills.affordable(shares, price, self.cash, *fees, self.rules.fractional)
        self.outcomes["filled" if shares else "no_cash"] += 1
        if shares:
            self._book(-shares * price - self.fee(shares, price))
            lot = Lot(
                symbol,
                shares,
                now,
                price,
                0.0 if self.rules.stop_loss_pct is None else fills.stop_price(price, self.rules.stop_loss_pct),
                fills.target_price(price, self.rules.take_profit_pct or inf),
                price,
                distance,
            )
            lot.trailing = self._trailing(lot)
            self.held[symbol] = lot
            self.lots.append(lot)

    def _sell(self, lot: Lot, now: datetime, price: float, reason: int) -> None:
        self._book(lot.quantity * price - self.fee(lot.quantity, price))
        received = round_money(lot.quantity * price - self.fee(lot.quantity, price))
        if received < -round_money(-lot.quantity * lot.entry_price - self.fee(lot.quantity, lot.entry_price)):
            self.lost[lot.symbol] = now
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
