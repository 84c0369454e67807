"""The fills of a live strategy matched with those of a backtest of the same stretch. Pure; decision 32."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

# Prices that agree to the cent are the same, below a dollar to a hundredth of a cent.
CENT, SMALL = 0.005, 0.00005
_ROUNDING = 1e-9


class Match(StrEnum):
    """What a fill is against the backtest's; the values are stored and sent by the API."""

    IDENTICAL = "identical"
    LATE = "late"
    MISSED = "missed"
    EXTRA = "extra"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Lot:
    """A round trip. *_bar: rows of the common time axis; None while it is open. pnl: dollars after commission, an
    open lot valued at the last close. key: what tells it from others."""

    symbol: str
    quantity: float
    entry_bar: int
    entry_price: float
    exit_bar: int | None
    exit_price: float | None
    pnl: float
    key: int = 0
    exit_reason: str = ""

    @property
    def is_open(self) -> bool:
        return self.exit_bar is None


@dataclass(frozen=True, slots=True)
class MatchedFill:
    """The entry or the exit of a pair of lots; `live` or `tested` is None where there is no other. symbol, bar: of
    the live fill, else of the backtest's. bars_late: of a late fill. effect: dollars that live has more than the
    backtest because of this fill, at the shares that live traded. size_effect: dollars because live traded another
    number of shares."""

    match: Match
    is_entry: bool
    symbol: str
    bar: int
    live: Lot | None
    tested: Lot | None
    bars_late: int = 0
    effect: float = 0.0
    size_effect: float = 0.0

    @property
    def price(self) -> float | None:
        return _price(self.live, entry=self.is_entry)

    @property
    def tested_price(self) -> float | None:
        return _price(self.tested, entry=self.is_entry)


class Sum(NamedTuple):
    fills: int
    effect: float


def match_fills(live: Iterable[Lot], tested: Iterable[Lot]) -> list[MatchedFill]:
    """Every fill of both once, by row. The effects add up to what live made more than the backtest."""
    own, other = _by_symbol(live), _by_symbol(tested)
    fills = [
        fill
        for symbol in sorted(own.keys() | other.keys())
        for pair in pair_lots(own[symbol], other[symbol])
        for fill in _fills(*pair)
    ]
    return sorted(fills, key=lambda fill: (fill.bar, fill.symbol, not fill.is_entry))


def pair_lots(live: list[Lot], tested: list[Lot]) -> list[tuple[Lot | None, Lot | None]]:
    """The lots of one symbol in pairs: those that were bought on the same bar, then each live one that was bought
    later with the last backtest's lot before it that was still held then."""
    own, other = (sorted(lots, key=lambda lot: (lot.entry_bar, lot.key)) for lots in (live, tested))
    found: list[tuple[Lot | None, Lot | None]] = []
    left = list[Lot]()
    for lot in own:
        same = next((each for each in other if each.entry_bar == lot.entry_bar), None)
        if same is None:
            left.append(lot)
        else:
            other.remove(same)
            found.append((lot, same))
    for lot in left:
        held = [each for each in other if each.entry_bar < lot.entry_bar and _held_at(each, lot.entry_bar)]
        if held:
            other.remove(held[-1])
        found.append((lot, held[-1] if held else None))
    return found + [(None, lot) for lot in other]


def count_matches(fills: Iterable[MatchedFill]) -> dict[Match, Sum]:
    """The number of fills and the sum of their effects for each class, in the order of Match."""
    counts, effects = dict.fromkeys(Match, 0), dict.fromkeys(Match, 0.0)
    for fill in fills:
        counts[fill.match] += 1
        effects[fill.match] += fill.effect
    return {match: Sum(counts[match], effects[match]) for match in Match}


def same_price(first: float, second: float) -> bool:
    return abs(first - second) <= (CENT if min(first, second) >= 1 else SMALL) + _ROUNDING


def _by_symbol(lots: Iterable[Lot]) -> defaultdict[str, list[Lot]]:
    found: defaultdict[str, list[Lot]] = defaultdict(list)
    for lot in lots:
        found[lot.symbol].append(lot)
    return found


def _held_at(lot: Lot, bar: int) -> bool:
    return lot.exit_bar is None or bar <= lot.exit_bar


def _fills(live: Lot | None, tested: Lot | None) -> Iterator[MatchedFill]:
    if live is not None and tested is not None:
        yield from _fills_of_both(live, tested)
    elif live is not None:
        yield from _fills_of_one(Match.EXTRA, live, live, None)
    elif tested is not None:
        yield from _fills_of_one(Match.MISSED, tested, None, tested)


def _fills_of_one(match: Match, lot: Lot, live: Lot | None, tested: Lot | None) -> Iterator[MatchedFill]:
    effect = lot.pnl if tested is None else -lot.pnl
    yield MatchedFill(match, True, lot.symbol, lot.entry_bar, live, tested, effect=effect)
    if lot.exit_bar is not None:
        yield MatchedFill(match, False, lot.symbol, lot.exit_bar, live, tested)


def _fills_of_both(live: Lot, tested: Lot) -> Iterator[MatchedFill]:
    # The backtest at the shares of live; what is left is the other size.
    scaled = tested.pnl * (live.quantity / tested.quantity)
    effect, size_effect = live.pnl - scaled, scaled - tested.pnl
    late = live.entry_bar - tested.entry_bar
    of_entry = live.quantity * (tested.entry_price - live.entry_price)
    match = Match.LATE if late else _by_price(live.entry_price, tested.entry_price)
    sold = tested.exit_bar if live.exit_bar is None else live.exit_bar
    if sold is None:
        of_entry = effect
    yield MatchedFill(match, True, live.symbol, live.entry_bar, live, tested, late, of_entry, size_effect)
    if sold is not None:
        match, late = _exit(live, tested)
        yield MatchedFill(match, False, live.symbol, sold, live, tested, late, effect - of_entry)


def _exit(live: Lot, tested: Lot) -> tuple[Match, int]:
    """One of the two is closed. A lot that live sold before the backtest was sold without it."""
    if live.exit_bar is None:
        return Match.MISSED, 0
    if tested.exit_bar is None or live.exit_bar < tested.exit_bar:
        return Match.EXTRA, 0
    if live.exit_bar > tested.exit_bar:
        return Match.LATE, live.exit_bar - tested.exit_bar
    return _by_price(live.exit_price or 0.0, tested.exit_price or 0.0), 0


def _by_price(live: float, tested: float) -> Match:
    return Match.IDENTICAL if same_price(live, tested) else Match.PRICE


def _price(lot: Lot | None, *, entry: bool) -> float | None:
    if lot is None:
        return None
    return lot.entry_price if entry else lot.exit_price
