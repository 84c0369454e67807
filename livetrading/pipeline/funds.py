"""What an account can still pay for: its buying power without what its orders in flight will cost. Pure."""

from dataclasses import dataclass, field

from tradedesk.core.sizing import whole_or_fraction

# An entry fills at a later price than the close that it was sized at; so much more is reserved, as a fraction.
RESERVE_MARGIN = 0.02


def reserve_of(shares: float, price: float) -> float:
    """Dollars to reserve for buying these shares."""
    return shares * price * (1.0 + RESERVE_MARGIN)


@dataclass(slots=True)
class Funds:
    """Dollars. buying_power: None when it is not known. reserved: by the strategy of the entry. proceeds: of the
    shares that are about to be sold.

    reduces_entries: whether the broker fills exits first and reduces an entry to what the cash pays for, as the
    backtest does. Such an entry is ordered in full, and cut at its fill, unless another strategy has reserved
    money; any other broker would refuse it.
    """

    buying_power: float | None
    reduces_entries: bool
    reserved: dict[int | None, float] = field(default_factory=dict)
    proceeds: float = 0.0

    def left(self) -> float:
        proceeds = self.proceeds if self.reduces_entries else 0.0
        return max(0.0, (self.buying_power or 0.0) + proceeds - sum(self.reserved.values()))

    def affordable(self, live_id: int | None, shares: float, price: float, fractional: bool) -> float:
        """`shares` reduced to what is left for this strategy; 0 when not even one share is paid for."""
        others = any(dollars > 0.0 for owner, dollars in self.reserved.items() if owner != live_id)
        if self.buying_power is None or (self.reduces_entries and not others):
            return shares
        return min(shares, whole_or_fraction(self.left() / reserve_of(1.0, price), fractional))

    def reserve(self, live_id: int | None, dollars: float) -> None:
        self.reserved[live_id] = self.reserved.get(live_id, 0.0) + dollars

    def refusal(self, price: float) -> str:
        return (
            f"The buying power of ${self.buying_power or 0.0:,.2f}, without ${sum(self.reserved.values()):,.2f} "
            f"for orders in flight, does not pay for one share at ${price:,.2f}."
        )
