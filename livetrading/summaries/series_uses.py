"""What of one user uses the bars of a symbol: strategies, backtests, and what is held or deployed."""

from dataclasses import dataclass

from tradedesk.accounts.models import User
from tradedesk.marketdata.usage import uses_of

SHOWN = 20


@dataclass(frozen=True, slots=True)
class SeriesUses:
    """strategies: (id, name) of the first SHOWN, of strategy_count. in_use: parts of a sentence, see uses_of."""

    strategies: list[tuple[int, str]]
    strategy_count: int
    backtests: int
    in_use: list[str]


def series_uses(user: User, symbol: str, timeframe: str) -> SeriesUses:
    """Four queries and one for each registered question, however many strategies and backtests there are."""
    has_symbol = {"timeframe": timeframe, "symbols__icontains": f'"{symbol}"'}
    strategies = user.strategies.filter(**has_symbol)
    return SeriesUses(
        strategies=list(strategies.values_list("pk", "name")[:SHOWN]),
        strategy_count=strategies.count(),
        backtests=user.backtests.filter(**has_symbol).count(),
        in_use=uses_of(symbol, timeframe, user.pk),
    )
