"""Open risk: what is lost when every position is sold at its stop. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from livetrading.summaries.positions import OpenLot

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OpenRisk:
    """Dollars. without_stop: the symbols of lots without a working stop, each of which counts with its whole
    value."""

    dollars: Decimal = ZERO
    without_stop: tuple[str, ...] = ()

    def of_equity(self, equity: Decimal | None) -> float | None:
        return float(self.dollars / equity) if equity and equity > 0 else None


NO_RISK = OpenRisk()


def open_risk(lots: Iterable[OpenLot]) -> OpenRisk:
    held = list(lots)
    bare = {lot.trade.symbol for lot in held if not lot.has_stop}
    return OpenRisk(sum((lot.risk for lot in held), ZERO), tuple(sorted(bare)))
