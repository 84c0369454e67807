"""The rules of an account: values in, verdict out. Pure; asked at the decision of an entry and before sending.

An entry is tested by the rules in their order; the first one that blocks it gives the reason. What a rule needs
and is not known blocks the entry, except an unknown sector, which is not limited.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time

from livetrading.models.account_rule_kinds import KINDS, Compare, RuleKind, Values
from tradedesk.core.declarations import Unit
from tradedesk.marketdata.sessions import NEW_YORK

# A reading this close to the limit is the limit: 0.1 + 0.2 must not be above 0.3.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class RuleValues:
    """One enabled rule. limit: dollars, a number or a fraction. window: the times in New York from which and until
    which entries go out. tripped: why a loss limit holds, "" when it does not."""

    id: int
    kind: str
    limit: float = 0.0
    symbols: frozenset[str] = frozenset()
    window: tuple[time, time] | None = None
    tripped: str = ""

    @property
    def declared(self) -> RuleKind:
        return KINDS[self.kind]


@dataclass(slots=True)
class AccountFigures:
    """What the rules read of an account, in dollars; None is unknown.

    exposure: of what is held and ordered, by symbol. lots: the number of lots and entries by symbol; those that
    are about to be sold are in neither. orders_today, orders_in_minute: entry orders.
    """

    now: datetime
    equity: float | None
    peak_equity: float | None
    day_start_equity: float | None
    exposure: dict[str, float] = field(default_factory=dict)
    lots: Counter[str] = field(default_factory=Counter)
    orders_today: int = 0
    orders_in_minute: int = 0
    sectors: Mapping[str, str] = field(default_factory=dict)

    def add(self, symbol: str, dollars: float) -> None:
        """A lot or an entry."""
        self.exposure[symbol] = self.exposure.get(symbol, 0.0) + dollars
        self.lots[symbol] += 1

    def remove(self, symbol: str, dollars: float) -> None:
        """A lot that is about to be sold."""
        self.exposure[symbol] = max(0.0, self.exposure.get(symbol, 0.0) - dollars)
        self.lots[symbol] -= 1

    def add_order(self, symbol: str, dollars: float) -> None:
        self.add(symbol, dollars)
        self.orders_today += 1
        self.orders_in_minute += 1


@dataclass(frozen=True, slots=True)
class ProposedEntry:
    """dollars: the value of the order. last_price: of a share, now. bar_price: the close of the bar that gave the
    signal. average_volume: shares of a bar, over 20 bars. None is unknown."""

    symbol: str
    dollars: float
    last_price: float | None
    bar_price: float | None
    average_volume: float | None


@dataclass(frozen=True, slots=True)
class Block:
    """The rule that holds an entry back, and why."""

    rule_id: int
    reason: str


def find_block(rules: Iterable[RuleValues], figures: AccountFigures, entry: ProposedEntry) -> Block | None:
    """The first of these rules that holds the entry back; None when it may go out."""
    return next(find_blocks(rules, figures, entry), None)


def find_blocks(rules: Iterable[RuleValues], figures: AccountFigures, entry: ProposedEntry) -> Iterator[Block]:
    """All of these rules that hold the entry back."""
    for rule in rules:
        reason = _reason(rule, figures, entry)
        if reason:
            yield Block(rule.id, f"{rule.declared.label}: {reason}")


def reading_of(rule: RuleValues, figures: AccountFigures) -> float | None:
    """The present reading of a rule without any new entry; None where there is none, or it is not known."""
    reader = _PRESENT.get(rule.kind)
    return None if reader is None else reader(figures)


def is_reached(rule: RuleValues, figures: AccountFigures) -> bool:
    """Whether the loss of a loss limit has reached it. Unknown figures reach nothing."""
    reading = reading_of(rule, figures)
    return rule.declared.trips and reading is not None and reading >= rule.limit


def tripped_reason(rule: RuleValues, figures: AccountFigures) -> str:
    """The sentence of a loss limit that was reached."""
    return _sentence(rule, reading_of(rule, figures) or 0.0, "", "")


def in_unit(kind: RuleKind, value: float) -> str:
    """A reading or a limit of this kind, as a trader reads it."""
    if kind.unit is Unit.FRACTION:
        return f"{value:.1%}"
    return f"${value:,.2f}" if kind.unit is Unit.DOLLARS else f"{value:,.0f}"


def _reason(rule: RuleValues, figures: AccountFigures, entry: ProposedEntry) -> str:
    kind = rule.declared
    if kind.values is Values.SYMBOLS:
        return f"{entry.symbol} is blocked." if entry.symbol in rule.symbols else ""
    if kind.values is Values.WINDOW:
        return _outside(rule.window, figures.now)
    if rule.tripped:
        return rule.tripped
    sector = figures.sectors.get(entry.symbol, "")
    if rule.kind == "exposure_sector" and not sector:
        return ""
    reading = _WITH_ENTRY[rule.kind](figures, entry)
    if reading is None:
        return "The value that it limits is unknown."
    return "" if _passes(kind.compare, reading, rule.limit) else _sentence(rule, reading, entry.symbol, sector)


def _passes(compare: Compare, reading: float, limit: float) -> bool:
    """False for NaN."""
    if compare is Compare.BELOW:
        return reading < limit
    if compare is Compare.AT_LEAST:
        return reading >= limit * (1 - _TOLERANCE)
    return reading <= limit * (1 + _TOLERANCE)


def _sentence(rule: RuleValues, reading: float, symbol: str, sector: str) -> str:
    kind = rule.declared
    about = kind.about.format(symbol=symbol, sector=sector)
    return f"{about} is {in_unit(kind, reading)}; the limit is {in_unit(kind, rule.limit)}."


def _outside(window: tuple[time, time] | None, now: datetime) -> str:
    """A window that ends before it starts goes over midnight."""
    if window is None:
        return "The times of the window are unknown."
    start, end = window
    moment = now.astimezone(NEW_YORK).time()
    inside = start <= moment < end if start < end else moment >= start or moment < end
    return "" if inside else f"It is {moment:%H:%M} in New York; entries go out from {start:%H:%M} to {end:%H:%M}."


def _part(dollars: float, equity: float | None) -> float | None:
    """A part of the equity; without equity above zero nothing can be exposed."""
    return dollars / equity if equity is not None and equity > 0.0 else None


def _positions(figures: AccountFigures) -> set[str]:
    return {symbol for symbol, lots in figures.lots.items() if lots > 0}


def _of_sector(figures: AccountFigures, sector: str) -> float:
    return sum(value for symbol, value in figures.exposure.items() if figures.sectors.get(symbol) == sector)


def _largest_sector(figures: AccountFigures) -> float | None:
    sectors = {figures.sectors[symbol] for symbol in figures.exposure if symbol in figures.sectors}
    return _part(max((_of_sector(figures, sector) for sector in sectors), default=0.0), figures.equity)


def _loss(dollars: float) -> float:
    """0 for a gain; NaN stays NaN."""
    return 0.0 if dollars <= 0.0 else dollars


def _daily_loss(figures: AccountFigures) -> float | None:
    if figures.equity is None or figures.day_start_equity is None:
        return None
    return _loss(figures.day_start_equity - figures.equity)


def _daily_loss_part(figures: AccountFigures) -> float | None:
    loss, start = _daily_loss(figures), figures.day_start_equity
    return None if loss is None else _part(loss, start)


def _drawdown(figures: AccountFigures) -> float | None:
    if figures.equity is None or figures.peak_equity is None:
        return None
    return _loss(figures.peak_equity - figures.equity)


def _drawdown_part(figures: AccountFigures) -> float | None:
    drawdown, peak = _drawdown(figures), figures.peak_equity
    return None if drawdown is None else _part(drawdown, peak)


def _collar(entry: ProposedEntry) -> float | None:
    if entry.last_price is None or not entry.bar_price or entry.bar_price < 0.0:
        return None
    return abs(entry.last_price / entry.bar_price - 1.0)


_PRESENT: dict[str, Callable[[AccountFigures], float | None]] = {
    "open_positions": lambda figures: float(len(_positions(figures))),
    "exposure_total": lambda figures: _part(sum(figures.exposure.values()), figures.equity),
    "exposure_symbol": lambda figures: _part(max(figures.exposure.values(), default=0.0), figures.equity),
    "exposure_sector": _largest_sector,
    "orders_per_day": lambda figures: float(figures.orders_today),
    "orders_per_minute": lambda figures: float(figures.orders_in_minute),
    "daily_loss_dollars": _daily_loss,
    "daily_loss_pct": _daily_loss_part,
    "max_drawdown_dollars": _drawdown,
    "max_drawdown_pct": _drawdown_part,
}
_WITH_ENTRY: dict[str, Callable[[AccountFigures, ProposedEntry], float | None]] = {
    "open_positions": lambda figures, entry: float(len(_positions(figures) | {entry.symbol})),
    "exposure_total": lambda f, entry: _part(sum(f.exposure.values()) + entry.dollars, f.equity),
    "exposure_symbol": lambda f, entry: _part(f.exposure.get(entry.symbol, 0.0) + entry.dollars, f.equity),
    "exposure_sector": lambda f, entry: _part(_of_sector(f, f.sectors[entry.symbol]) + entry.dollars, f.equity),
    "order_value": lambda figures, entry: entry.dollars,
    "orders_per_day": lambda figures, entry: float(figures.orders_today + 1),
    "orders_per_minute": lambda figures, entry: float(figures.orders_in_minute + 1),
    "daily_loss_dollars": lambda figures, entry: _daily_loss(figures),
    "daily_loss_pct": lambda figures, entry: _daily_loss_part(figures),
    "max_drawdown_dollars": lambda figures, entry: _drawdown(figures),
    "max_drawdown_pct": lambda figures, entry: _drawdown_part(figures),
    "min_price": lambda figures, entry: entry.last_price,
    "min_average_volume": lambda figures, entry: entry.average_volume,
    "price_collar": lambda figures, entry: _collar(entry),
}
