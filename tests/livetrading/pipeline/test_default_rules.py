"""The rules that a new account has hold back nothing that the demo strategies do."""

from datetime import date

from livetrading.models import AccountRule, Order, OrderState, PaperTrade, SignalHistory
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.tick import tick
from livetrading.services.demo import seed_demo
from livetrading.services.deploy import deploy
from livetrading.services.examples import STRATEGIES
from tests.livetrading.factories import WALL
from tests.livetrading.pipeline.desk import closes
from tradedesk.marketdata.services import load_samples


def test_the_demo_strategies_trade_with_the_default_rules(db: None) -> None:
    load_samples(WALL)
    user = seed_demo()
    moments = closes(date(2010, 3, 8), date(2010, 4, 1))
    for strategy in user.strategies.all():
        deploy(user, strategy, now=moments[0], wall_now=WALL)
    account = user.broker_accounts.get()
    assert account.rules.filter(enabled=True).count() > 5
    for now in moments:
        for order_id in tick(account.pk, now, WALL).orders:
            execute_order(order_id, now, WALL)
    assert PaperTrade.objects.count() > len(STRATEGIES)
    codes = set(SignalHistory.objects.values_list("code", flat=True))
    assert "ordered" in codes
    assert not codes & {"account_rule", "no_cash", "halted"}
    assert not AccountRule.objects.exclude(blocked_count=0, tripped_at=None).exists()
    assert not Order.objects.filter(state=OrderState.BLOCKED).exists()
