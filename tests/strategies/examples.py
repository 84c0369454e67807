"""Strategies with backtests and deployments, and the text of a page."""

import re
import uuid
from datetime import UTC, date, datetime
from typing import Any

from backtests.models import Backtest
from livetrading.models import LiveStrategy
from livetrading.services.accounts import active_account
from strategies.models import Strategy
from strategies.services import save_strategy
from tradedesk.accounts.models import Mode, User

NOW = datetime(2012, 3, 5, 21, tzinfo=UTC)


def a_strategy(user: User, name: str = "Tech", **values: Any) -> Strategy:
    standard = {"kind": "sma_crossover", "parameters": {"fast": 5, "slow": 20}, "symbols": ["AAPL"]}
    return save_strategy(user, name=name, **{**standard, "timeframe": "1Day", **values})


def a_backtest(strategy: Strategy, **values: Any) -> Backtest:
    standard = {
        "strategy_name": strategy.name,
        "kind": strategy.kind,
        "parameters": strategy.parameters,
        "symbols": strategy.symbols,
        "start_date": date(2005, 1, 3),
        "end_date": date(2012, 3, 5),
        "initial_capital": 100_000,
        "status": Backtest.Status.COMPLETED,
        "metrics": {
            "total_return": 0.34211,
            "sharpe": 1.0249,
            "max_drawdown": 0.234,
            "trades": 88,
        },
        "created_at": NOW,
        "heartbeat_at": NOW,
    }
    return Backtest.objects.create(user=strategy.user, strategy=strategy, **{**standard, **values})


def a_deployment(strategy: Strategy, **values: Any) -> LiveStrategy:
    standard = {
        "account": active_account(strategy.user_id, Mode.PAPER),
        "name": f"Live - {strategy.name}",
        "deploy_key": uuid.uuid4().hex,
        "fingerprint": uuid.uuid4().hex,
        "kind": strategy.kind,
        "parameters": strategy.parameters,
        "symbols": strategy.symbols,
        "deployed_at": NOW,
        "next_check_at": NOW,
        "starting_equity": 100_000,
    }
    return LiveStrategy.objects.create(user=strategy.user, strategy=strategy, **{**standard, **values})


def page_text(response: Any) -> str:
    """The text of a page without tags."""
    return _text(response.content.decode())


def element_text(response: Any, attribute: str) -> str:
    """The text of the element with this attribute, such as `id="checks"`; it holds no element of its own name."""
    found = re.search(rf"<(\w+)[^>]*\s{re.escape(attribute)}[^>]*>.*?</\1>", response.content.decode(), re.DOTALL)
    assert found, attribute
    return _text(found[0])


def _text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
