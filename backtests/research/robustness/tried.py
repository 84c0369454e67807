"""What a trader has tried on the symbols and the period of a result."""

from dataclasses import dataclass, field

from backtests.research.robustness.chance import NO_MAXIMA
from backtests.research.robustness.multipliers import Singles


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """number: of distinct results, the result itself included; an estimate unless is_exact. maxima (B,): the best
    that chance alone shows over all of them, draw by draw. variance: of their Sharpe ratios per session in the
    same timeframe, None for fewer than two. in_holdout: the distinct results whose period overlaps the holdout;
    that of a search with a holdout does not."""

    number: int = 1
    is_exact: bool = True
    maxima: Singles = field(default_factory=lambda: NO_MAXIMA)
    variance: float | None = None
    in_holdout: int = 0

    @property
    def shown(self) -> str:
        """The number as a page shows it; of an estimate three digits."""
        if self.is_exact:
            return f"{self.number:,}"
        return f"about {int(float(f'{self.number:.3g}')):,}"
