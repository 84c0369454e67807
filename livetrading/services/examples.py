"""Ready strategies and a backtest for a new user."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from backtests.models import Backtest
from backtests.services.create import create_backtest
from backtests.services.inputs import InvalidBacktest
from livetrading.services.wording import counted
from strategies.models import Strategy
from strategies.services import save_strategy
from tradedesk.accounts.models import User

_LARGE = ["AAPL", "GOOG", "IBM", "MSFT"]
STRATEGIES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("Moving averages 10/30", "sma_crossover", {"fast": 10, "slow": 30}, _LARGE),
    ("Buy the dip", "rsi_mean_reversion", {"period": 5, "oversold": 30, "overbought": 65}, _LARGE),
    ("Breakout 20/10", "donchian_breakout", {"entry": 20, "exit": 10}, _LARGE),
    ("MACD momentum", "macd", {"fast": 12, "slow": 26, "signal": 9}, ["AAPL", "MSFT"]),
    ("Buy and hold", "buy_and_hold", {}, [*_LARGE, "FB"]),
]
# The one that is tested, in the years before the replay begins: nothing of what it will play is known to it.
TESTED = STRATEGIES[0]
START, END = date(2005, 1, 3), date(2009, 12, 31)
CAPITAL = 100_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was made now. problem: why there is no backtest; "" when there is one."""

    strategies: int
    backtests: int
    problem: str = ""

    def __str__(self) -> str:
        if not self.strategies and not self.backtests:
            return "The examples are loaded already."
        parts = []
        if self.strategies:
            parts.append(counted(self.strategies, "strategy", "strategies"))
        if self.backtests:
            parts.append("a backtest, which is computed now")
        return f"Loaded {' and '.join(parts)}."


def unsaved() -> list[Strategy]:
    """The example strategies, for a page that describes them."""
    return [
        Strategy(name=name, kind=kind, parameters=parameters, symbols=symbols)
        for name, kind, parameters, symbols in STRATEGIES
    ]


def save_examples(user: User) -> int:
    """The strategies that the user does not have by name. Returns their number."""
    known = set(user.strategies.filter(name__in=[name for name, *_ in STRATEGIES]).values_list("name", flat=True))
    missing = [each for each in STRATEGIES if each[0] not in known]
    for name, kind, parameters, symbols in missing:
        save_strategy(user, name=name, kind=kind, parameters=parameters, symbols=symbols, timeframe="1Day")
    return len(missing)


def load_examples(user: User, wall_now: datetime) -> Loaded:
    """The example strategies and a queued backtest of one of them, each unless the user has it. Repeated, it makes
    nothing twice."""
    saved = save_examples(user)
    strategy = user.strategies.filter(name=TESTED[0]).order_by("pk")[0]
    if _tests_of(user, strategy).exists():
        return Loaded(saved, 0)
    try:
        create_backtest(user, strategy, start_date=START, end_date=END, initial_capital=CAPITAL, wall_now=wall_now)
    except InvalidBacktest as refusal:
        return Loaded(saved, 0, f"The example was not backtested: {refusal}")
    return Loaded(saved, 1)


@dataclass(frozen=True, slots=True)
class Example:
    """The example of a user, as far as it is there."""

    strategy: Strategy | None
    backtest: Backtest | None


def example_of(user: User) -> Example:
    """Two queries."""
    strategy = user.strategies.filter(name=TESTED[0]).order_by("pk").first()
    return Example(strategy, _tests_of(user, strategy).first() if strategy else None)


def _tests_of(user: User, strategy: Strategy) -> "QuerySet[Backtest]":
    """Backtests of this strategy that are done or under way, the newest first."""
    gone = (Backtest.Status.FAILED, Backtest.Status.CANCELLED)
    return user.backtests.filter(strategy=strategy).exclude(status__in=gone).order_by("-pk")
