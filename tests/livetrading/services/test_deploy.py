"""Deploy to Live: the created live strategy, and one deployment for two presses."""

from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from livetrading.models import BrokerAccount, LiveStrategy, PaperAccount
from livetrading.services import deploy as deploy_module
from livetrading.services.accounts import active_account
from livetrading.services.deploy import AlreadyDeployed, DeploymentSettings, DeployRefused, deploy
from strategies.models import Strategy
from strategies.services import save_strategy
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import NOW, account_of, make_backtest, make_strategy
from tests.livetrading.made_bars import flat, store_bars
from tests.livetrading.published import published, refuse_publishing
from tradedesk.accounts.models import User, UserVersion
from tradedesk.audit.models import AuditRecord
from tradedesk.core.rules import RiskRules
from tradedesk.notifications.models import Notification

Status = LiveStrategy.Status


@pytest.fixture
def strategy(alice: User) -> Strategy:
    store_bars(AAPL=flat(10, 11), MSFT=flat(20, 21), IBM=flat(30, 31))
    return make_strategy(user=alice, name="Golden cross")


# --- The live strategy -----------------------------------------------------------------------------------------


def test_the_defaults_of_the_quick_deploy(alice: User, strategy: Strategy) -> None:
    live = LiveStrategy.objects.get(pk=deploy(alice, strategy, now=NOW, wall_now=NOW).pk)
    assert (live.user, live.name, live.strategy, live.backtest) == (alice, "Live - Golden cross", strategy, None)
    assert (live.status, live.mode, live.auto_execute, live.check_interval) == (Status.ACTIVE, "paper", True, 300)
    assert live.risk_rules() == RiskRules(
        position_size_pct=0.02, max_positions=5, stop_loss_pct=0.10, signal_threshold=0.6
    )
    assert (live.deployed_at, live.next_check_at) == (NOW, NOW)
    assert (live.last_check_at, live.last_bar_time, live.failures, live.last_error) == (None, None, 0, "")
    assert (live.account, live.realized_pnl) == (alice.broker_accounts.get(), 0)


def test_later_changes_of_the_strategy_do_not_change_the_deployment(alice: User, strategy: Strategy) -> None:
    live = deploy(alice, strategy, now=NOW, wall_now=NOW)
    save_strategy(
        alice,
        name="Other",
        kind="buy_and_hold",
        parameters={},
        symbols=["IBM"],
        timeframe="1Hour",
        strategy=strategy,
    )
    live.refresh_from_db()
    assert (live.name, live.kind, live.parameters) == (
        "Live - Golden cross",
        "sma_crossover",
        {"fast": 10, "slow": 30},
    )
    assert (live.symbols, live.timeframe) == (["AAPL", "MSFT"], "1Day")
    strategy.delete()
    live.refresh_from_db()
    assert (live.strategy, live.kind, live.status) == (None, "sma_crossover", Status.ACTIVE)


def test_the_starting_equity_is_the_equity_at_the_deployment(alice: User, strategy: Strategy) -> None:
    account_of(alice)
    BrokerAccount.objects.update(equity=Decimal("48765.43"))
    assert deploy(alice, strategy, now=NOW, wall_now=NOW).starting_equity == Decimal("48765.43")


def test_a_deployment_is_audited_with_what_it_trades(alice: User, strategy: Strategy) -> None:
    live = deploy(alice, strategy, now=NOW, wall_now=NOW + timedelta(days=9000))
    opened, audited = AuditRecord.objects.order_by("sequence")
    assert (opened.actor, opened.action) == (alice.email, "account_added")
    assert (audited.actor, audited.action, audited.subject_id) == ("alice@example.com", "deploy", str(live.pk))
    assert audited.time == NOW + timedelta(days=9000)
    assert audited.details["symbols"] == live.symbols
    assert audited.details["position_size_pct"] == 0.02


def test_without_a_report_of_the_equity_nothing_is_deployed(alice: User, strategy: Strategy) -> None:
    """The rules are measured from the equity at the deployment."""
    alice.mode = "live"
    account = account_of(alice, "live")
    BrokerAccount.objects.update(equity=None)
    with pytest.raises(DeployRefused) as refused:
        deploy(alice, strategy, now=NOW, wall_now=NOW)
    assert list(refused.value.errors) == ["mode"]
    BrokerAccount.objects.update(equity=5)
    assert deploy(alice, strategy, now=NOW, wall_now=NOW).account == account


def test_the_first_deployment_opens_the_paper_account(alice: User, strategy: Strategy, settings: Any) -> None:
    settings.PAPER_STARTING_CASH = 25_000.0
    assert deploy(alice, strategy, now=NOW, wall_now=NOW).starting_equity == 25_000
    assert PaperAccount.objects.get(broker_account__user=alice).cash == 25_000


def test_a_deployed_backtest_has_its_own_parameters_and_rules(alice: User, strategy: Strategy) -> None:
    rules = RiskRules(
        position_size_pct=0.25,
        max_positions=2,
        max_position_size=9_999.0,
        stop_loss_pct=0.03,
        take_profit_pct=0.06,
        signal_threshold=0.7,
        daily_loss_limit=500.0,
        max_drawdown_pct=0.2,
        fractional=True,
    )
    backtest = make_backtest(
        user=alice, strategy=strategy, rules=rules.as_dict(), parameters={"fast": 5, "slow": 9}
    )
    live = LiveStrategy.objects.get(pk=deploy(alice, backtest, now=NOW, wall_now=NOW).pk)
    assert (live.strategy, live.backtest, live.name) == (strategy, backtest, "Live - Golden cross")
    # The snapshot of the backtest, not the current strategy.
    assert live.parameters == {"fast": 5, "slow": 9}
    assert live.risk_rules() == rules


def test_a_backtest_whose_strategy_was_deleted_can_be_deployed(alice: User, strategy: Strategy) -> None:
    backtest = make_backtest(user=alice, strategy=strategy)
    strategy.delete()
    backtest.refresh_from_db()
    live = deploy(alice, backtest, now=NOW, wall_now=NOW)
    assert (live.strategy, live.backtest, live.name) == (None, backtest, "Live - Golden cross")


def test_the_traders_choices_are_deployed(alice: User, strategy: Strategy) -> None:
    rules = {
        "max_positions": 20,
        "position_size_pct": 0.5,
        "max_position_size": 1_234.56,
        "daily_loss_limit": 250,
        "take_profit_pct": None,
    }
    settings = DeploymentSettings(check_interval=60, auto_execute=False, rules=rules)
    live = deploy(
        alice,
        strategy,
        now=NOW,
        wall_now=NOW,
        name="  Mine  ",
        symbols=["ibm", " MSFT ", "IBM"],
        settings=settings,
    )
    live.refresh_from_db()
    assert (live.name, live.symbols) == ("Mine", ["IBM", "MSFT"])
    assert (live.check_interval, live.auto_execute) == (60, False)
    assert live.risk_rules() == RiskRules(
        position_size_pct=0.5, max_positions=20, max_position_size=1_234.56, daily_loss_limit=250
    )


def test_a_name_that_is_too_long_is_cut(alice: User, strategy: Strategy) -> None:
    assert deploy(alice, strategy, now=NOW, wall_now=NOW, name="x" * 101).name == "x" * 100


def test_the_user_gets_a_notification_and_the_pages_are_notified(
    alice: User, bob: User, strategy: Strategy
) -> None:
    deploy(alice, strategy, now=NOW, wall_now=NOW)
    notification = Notification.objects.get()
    assert (notification.user, notification.event, notification.created_at) == (alice, "deployed", NOW)
    assert notification.text == "“Live - Golden cross” deployed. Now monitoring AAPL, MSFT."
    assert notification.url == "/dashboard/live-trading"
    assert list(UserVersion.objects.values_list("user", flat=True)) == [alice.pk]


def test_the_first_check_is_enqueued_after_the_commit(
    alice: User, strategy: Strategy, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with published() as tasks:
        with django_capture_on_commit_callbacks() as callbacks:
            live = deploy(alice, strategy, now=NOW, wall_now=NOW)
        assert tasks == []
        for callback in callbacks:
            callback()
    assert tasks == [("check_now", [live.pk])]


def test_a_queue_that_cannot_be_reached_does_not_fail_a_deployment(
    alice: User,
    strategy: Strategy,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """The first check is due all the same, so beat finds it."""
    refuse_publishing(monkeypatch)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        live = deploy(alice, strategy, now=NOW, wall_now=NOW)
    assert len(callbacks) == 1
    live.refresh_from_db()
    assert (live.status, live.next_check_at) == (Status.ACTIVE, NOW)


# --- Repeated and concurrent deployments -----------------------------------------------------------------------


def test_an_identical_deployment_is_refused_with_the_active_one(alice: User, strategy: Strategy) -> None:
    live = deploy(alice, strategy, now=NOW, wall_now=NOW)
    # Name, rules and the order of the symbols do not make a different deployment.
    with pytest.raises(AlreadyDeployed) as refused:
        deploy(
            alice,
            strategy,
            now=NOW,
            wall_now=NOW,
            name="Other",
            symbols=["MSFT", "AAPL"],
            settings=DeploymentSettings(rules={"max_positions": 1}),
        )
    assert refused.value.existing == live
    assert (LiveStrategy.objects.count(), Notification.objects.count()) == (1, 1)


@pytest.mark.parametrize("status", [Status.PAUSED, Status.STOPPED])
def test_an_inactive_deployment_does_not_block_another_one(alice: User, strategy: Strategy, status: str) -> None:
    first = deploy(alice, strategy, now=NOW, wall_now=NOW)
    LiveStrategy.objects.update(status=status)
    assert deploy(alice, strategy, now=NOW, wall_now=NOW) != first


@pytest.mark.parametrize(
    "change", [{"parameters": {"fast": 9, "slow": 30}}, {"symbols": ["AAPL"]}, {"kind": "macd", "parameters": {}}]
)
def test_another_strategy_is_another_deployment(alice: User, strategy: Strategy, change: dict[str, Any]) -> None:
    deploy(alice, strategy, now=NOW, wall_now=NOW)
    Strategy.objects.update(**change)
    strategy.refresh_from_db()
    deploy(alice, strategy, now=NOW, wall_now=NOW)
    assert LiveStrategy.objects.filter(status=Status.ACTIVE).count() == 2


def test_another_user_may_deploy_the_same(alice: User, bob: User, strategy: Strategy) -> None:
    theirs = deploy(bob, make_strategy(user=bob), now=NOW, wall_now=NOW, deploy_key="press")
    before = LiveStrategy.objects.filter(pk=theirs.pk).values().get()
    mine = deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key="press")
    assert mine != theirs
    assert (mine.user, LiveStrategy.objects.filter(pk=theirs.pk).values().get()) == (alice, before)
    assert PaperAccount.objects.count() == 2


@pytest.mark.parametrize("key", ["press", "k" * 64, "k" * 80])
def test_a_repeated_deploy_key_returns_the_same_live_strategy(alice: User, strategy: Strategy, key: str) -> None:
    first = deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key=key)
    assert deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key=key) == first
    LiveStrategy.objects.update(status=Status.STOPPED)
    assert deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key=key) == first
    assert (LiveStrategy.objects.count(), Notification.objects.count()) == (1, 1)


def test_a_key_cannot_be_used_for_another_deployment(alice: User, strategy: Strategy) -> None:
    """Returning the first deployment would suggest that the second one is active."""
    deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key="press")
    with pytest.raises(DeployRefused) as refused:
        deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key="press", symbols=["IBM"])
    assert list(refused.value.errors) == ["deploy_key"]
    assert LiveStrategy.objects.count() == 1


@pytest.fixture
def both_after_the_first_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both threads have found no such deployment before either of them creates one."""
    barrier = Barrier(2)

    def together(*arguments: Any) -> Any:
        barrier.wait(60)
        return active_account(*arguments)

    monkeypatch.setattr(deploy_module, "active_account", together)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("both_after_the_first_query")
def test_a_double_click_deploys_once(alice: User, strategy: Strategy) -> None:
    with published() as tasks:
        first, second = at_once(*[lambda: deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key="press")] * 2)
    assert first == second == LiveStrategy.objects.get()
    assert Notification.objects.count() == 1
    assert tasks == [("check_now", [first.pk])]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("both_after_the_first_query")
def test_two_concurrent_pages_deploy_once(alice: User, strategy: Strategy) -> None:
    results = at_once(
        lambda: deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key="one page"),
        lambda: deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key="another page"),
    )
    live = LiveStrategy.objects.get()
    (refused,) = [result for result in results if result != live]
    assert isinstance(refused, AlreadyDeployed)
    assert refused.existing == live
    assert Notification.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("both_after_the_first_query")
def test_one_key_for_two_concurrent_deployments_deploys_one(alice: User, strategy: Strategy) -> None:
    results = at_once(
        lambda: deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key="press"),
        lambda: deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key="press", symbols=["IBM"]),
    )
    live = LiveStrategy.objects.get()
    (refused,) = [result for result in results if result != live]
    assert isinstance(refused, DeployRefused)
    assert "deploy_key" in refused.errors


def test_a_revocation_in_between_is_found(
    alice: User, strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = active_account(alice.pk, "paper")
    revoked = BrokerAccount.objects.filter(pk=account.pk)
    monkeypatch.setattr(deploy_module, "check_room", lambda _: revoked.update(active=False, revoked_at=NOW))
    with pytest.raises(DeployRefused):
        deploy(alice, strategy, now=NOW, wall_now=NOW)
    assert not LiveStrategy.objects.exists()
