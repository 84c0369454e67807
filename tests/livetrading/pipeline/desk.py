"""Helpers for pipeline tests: store bars, deploy a strategy, and run the pipeline session by session."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from livetrading.models import BrokerAccount, LiveStrategy, PaperAccount
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.tick import tick
from livetrading.services.accounts import empty_books
from tests.livetrading.factories import account_of
from tradedesk.accounts.models import Mode, User
from tradedesk.core.bars import Bars
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import Costs
from tradedesk.marketdata.series import SeriesKey, save_series
from tradedesk.marketdata.sessions import session_close, sessions_between

WALL = datetime(2026, 1, 5, 12, tzinfo=UTC)


def put_bars(bars: Mapping[str, Bars], timeframe: str = "1Day") -> None:
    """Store these bars as imported bars of their symbols."""
    for symbol, own in bars.items():
        save_series(SeriesKey("csv", symbol, timeframe), own, adjusted=True, stored=None, now=WALL)


def open_account(user: User, cash: float, costs: Costs | None = None) -> PaperAccount:
    """The user's paper account with this cash and these costs."""
    amount = to_decimal(cash)
    account = BrokerAccount.objects.create(
        user=user, broker=BrokerAccount.Broker.PAPER, mode=Mode.PAPER, name="Paper", **empty_books(amount)
    )
    return PaperAccount.objects.create(
        broker_account=account, starting_cash=amount, cash=amount, **(costs or Costs()).as_dict()
    )


def deployed(
    user: User, kind: str, symbols: list[str], *, equity: float = 100_000.0, **fields: Any
) -> LiveStrategy:
    values: dict[str, Any] = {
        "name": f"Live - {kind}",
        "deploy_key": uuid.uuid4().hex,
        "fingerprint": uuid.uuid4().hex,
        "kind": kind,
        "symbols": symbols,
        "deployed_at": WALL,
        "next_check_at": WALL,
        "starting_equity": to_decimal(equity),
    }
    return LiveStrategy.objects.create(user=user, **({"account": account_of(user)} | values | fields))


def closes(first: date, last: date) -> list[datetime]:
    """The closing times of the sessions from `first` to `last`."""
    return [session_close(day) for day in sessions_between(first, last).tolist()]


def check(live: LiveStrategy, now: datetime) -> list[uuid.UUID]:
    """A tick of the account that checks only this strategy, whether due or not. Returns the orders to send."""
    return tick(live.account_id, now, WALL, only=(live.pk,)).orders


def step(live: LiveStrategy, now: datetime) -> None:
    """Run the pipeline after a bar has closed: a tick, then send the orders."""
    for order_id in check(live, now):
        execute_order(order_id, now, WALL)


def replay(live: LiveStrategy, moments: Iterable[datetime]) -> None:
    for now in moments:
        step(live, now)
