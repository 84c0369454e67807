"""For tests of promotions: a paper deployment with a tested past, and a user in live mode."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from backtests.models import Backtest, BacktestTrade
from livetrading.models import BrokerAccount, LiveStrategy, LiveTrade
from livetrading.services.promotion import Stages, promote
from tests.livetrading.factories import (
    WALL,
    account_of,
    closed,
    make_backtest,
    make_live_strategy,
    make_live_trade,
    make_strategy,
)
from tradedesk.accounts.models import Mode, User

# The returns of 20 tested trades; their mean is 1%.
TESTED = [0.05, -0.03] * 10


def in_live_mode(user: User) -> BrokerAccount:
    """The user's verified live account; the user is in live mode from now on."""
    User.objects.filter(pk=user.pk).update(mode=Mode.LIVE, first_live_at=WALL)
    user.refresh_from_db()
    return account_of(user, Mode.LIVE)


def backtest_of(user: User, returns: Sequence[float] = TESTED, **fields: Any) -> Backtest:
    backtest = make_backtest(user=user, **fields)
    trade = {"backtest": backtest, "symbol": "AAPL", "quantity": 10, "entry_price": 30, "exit_price": 31}
    BacktestTrade.objects.bulk_create(
        BacktestTrade(**trade, entry_time=WALL, exit_time=WALL, commission=0, pnl=0, return_fraction=value)
        for value in returns
    )
    return backtest


def on_paper(user: User, **fields: Any) -> LiveStrategy:
    """The deployment of a strategy with a backtest of TESTED."""
    strategy = make_strategy(user=user)
    backtest = backtest_of(user, strategy=strategy)
    values = {"name": "Mine", "strategy": strategy, "backtest": backtest, "provenance": {"version": "0.1.0"}}
    return make_live_strategy(user=user, **(values | fields))


def promoted(paper: LiveStrategy, now: datetime, fraction: float = 0.25, **options: Any) -> LiveStrategy:
    """Promoted by its user as they are now."""
    stages = Stages(fraction=fraction, raise_after=options.pop("raise_after", None))
    fresh = LiveStrategy.objects.select_related("user", "account").get(pk=paper.pk)
    return promote(fresh, stages, now=now, wall_now=WALL, **options)


def live_trades(live: LiveStrategy, *returns: float) -> list[LiveTrade]:
    """Closed trades of 10 shares bought at 30 with these returns."""
    return [
        make_live_trade(
            user=live.user,
            live_strategy=live,
            **closed(WALL + timedelta(days=day), float(Decimal(30) * (1 + Decimal(str(value))))),
        )
        for day, value in enumerate(returns)
    ]
