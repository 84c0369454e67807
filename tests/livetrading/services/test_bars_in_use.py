"""What live trading answers when bars are to be hidden or deleted."""

import pytest

from livetrading.models import LiveStrategy, OrderState
from tests.livetrading.factories import (
    NOW,
    closed,
    make_live_strategy,
    make_live_trade,
    make_order,
    make_paper_trade,
)
from tradedesk.accounts.models import User
from tradedesk.marketdata.usage import uses_of


def test_lots_orders_and_strategies_count_for_their_own_series_alone(alice: User, bob: User) -> None:
    live = make_live_strategy(user=alice)
    make_paper_trade(user=alice, live_strategy=live)
    make_live_trade(user=bob)
    make_order(user=bob, state=OrderState.ACCEPTED)
    assert uses_of("AAPL", "1Day") == ["2 accounts hold it", "1 order for it is open", "1 live strategy trades it"]
    assert uses_of("AAPL", "1Day", bob.pk) == ["1 account holds it", "1 order for it is open"]
    assert uses_of("AAPL", "1Hour") == uses_of("GOOG", "1Day") == []


@pytest.mark.parametrize("status", LiveStrategy.Status)
def test_what_has_ended_uses_nothing(alice: User, status: LiveStrategy.Status) -> None:
    make_live_strategy(user=alice, status=status)
    make_paper_trade(user=alice, **closed(NOW))
    make_order(user=alice, state=OrderState.FILLED)
    assert bool(uses_of("MSFT", "1Day")) == (status != LiveStrategy.Status.STOPPED)
    assert len(uses_of("AAPL", "1Day")) == (status != LiveStrategy.Status.STOPPED)
