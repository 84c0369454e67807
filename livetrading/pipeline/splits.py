"""What a split or a change of symbol does to the shares that the desk holds, if that is certain. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor

from livetrading.brokers.protocol import BrokerActivity
from tradedesk.core.money import DUST, MICRO, SHARE_PLACES

_PART = Decimal(1).scaleb(-SHARE_PLACES)
# The old shares of a usual forward split: 5 for 4 is the smallest.
_MOST_OLD = 4


@dataclass(frozen=True, slots=True)
class Change:
    """The shares of `symbol` have the symbol `new_symbol`, and each one has become `ratio`."""

    symbol: str
    new_symbol: str
    ratio: Fraction = Fraction(1)

    def shares(self, before: Decimal) -> Decimal:
        return (before * self.ratio.numerator / self.ratio.denominator).quantize(_PART)

    def price(self, before: Decimal | None) -> Decimal | None:
        return None if before is None else self.paid(before)

    def paid(self, before: Decimal) -> Decimal:
        return (before * self.ratio.denominator / self.ratio.numerator).quantize(MICRO)

    def sentence(self, held: Decimal) -> str:
        if self.symbol != self.new_symbol:
            return (
                f"{self.symbol} is {self.new_symbol} now. The {held.normalize():f} shares and their exits follow; "
                f"strategies that trade {self.symbol} do not."
            )
        after = self.shares(held).normalize()
        return (
            f"{self.symbol} was split {self.ratio.numerator} for {self.ratio.denominator}: {held.normalize():f} "
            f"shares have become {after:f}. Their prices and exits follow."
        )


def change_of(
    activity: BrokerActivity, ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal]
) -> Change | None:
    """ours, theirs: the shares of each symbol by the desk's records before it, and at the broker after it. None
    when it is not certain what has become of the desk's shares: they are not all, or the ratio is not clear."""
    symbol, new_symbol = activity.symbol, activity.new_symbol
    held = ours.get(symbol, Decimal(0))
    if activity.kind == "symbol_change":
        moved = _same(activity.quantity, held) and _same(theirs.get(new_symbol, Decimal(0)), held)
        return Change(symbol, new_symbol) if moved and symbol not in theirs and new_symbol not in ours else None
    before = held if activity.shares_before is None else activity.shares_before
    after = before + activity.quantity
    if not _same(before, held) or not _same(theirs.get(symbol, Decimal(0)), after):
        return None
    ratio = _certain_ratio(before, after, activity.ratio)
    return None if ratio is None else Change(symbol, symbol, ratio)


def _certain_ratio(before: Decimal, after: Decimal, stated: Fraction | None) -> Fraction | None:
    """The ratio of a split from `before` to `after` shares: the stated one, else the only usual one that fits. A
    broker may have paid a part of a share in cash, so a few shares can fit several."""
    if before <= 0 or after <= 0:
        return None
    exact = Fraction(after) / Fraction(before)
    if stated is not None:
        return stated if abs(Fraction(before) * stated - Fraction(after)) < DUST else None
    found = {each for each in _usual(exact) if _fits(each, before, after)}
    # Of several that fit, none is certain; one by which a part was paid in cash leaves lots that do not add up.
    (ratio,) = found if len(found) == 1 else (None,)
    return ratio if ratio is not None and abs(Fraction(before) * ratio - Fraction(after)) < DUST else None


def _usual(exact: Fraction) -> Iterator[Fraction]:
    """Ratios of usual splits around this one: some new shares for at most four, or one for some."""
    for old in range(1, _MOST_OLD + 1):
        for new in range(floor(exact * old), floor(exact * old) + 3):
            if new > old:
                yield Fraction(new, old)
    for old in range(floor(1 / exact) - 1, floor(1 / exact) + 2):
        if old > 1:
            yield Fraction(1, old)


def _fits(ratio: Fraction, before: Decimal, after: Decimal) -> bool:
    surplus = Fraction(before) * ratio - Fraction(after)
    paid_in_cash = after == after.to_integral_value() and 0 < surplus < 1
    return abs(surplus) < DUST or paid_in_cash


def _same(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) < DUST
