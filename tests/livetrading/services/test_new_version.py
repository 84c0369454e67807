"""A new version of a live strategy takes the place of the old one, and takes its open lots over if asked."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from livetrading.models import CarriedEvidence, LiveStrategy, Order, PaperAccount, PaperTrade, SignalHistory
from livetrading.services.deploy import AlreadyDeployed, DeployRefused
from livetrading.services.new_version import Changes, NewVersion, deploy_new_version, new_version_message
from livetrading.services.trade_totals import differences
from livetrading.summaries.account import read_account
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import account_of, at_day, make_backtest, make_live_strategy, make_order
from tests.livetrading.made_bars import CLOSES, DAYS, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, open_account, replay, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.core.rules import Costs

# Both are bought on bar 3, at 12 and 24. AAPL falls below its stop on bar 7; MSFT has a SELL on bar 5.
AAPL, MSFT = (10, 10, 12, 12, 12.5, 12.5, 12.5, 10.5, 10.5), (20, 20, 24, 24, 25, 23, 23, 22, 22)


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    """It holds AAPL and MSFT since bar 3."""
    open_account(alice, 100_000.0, Costs(commission_per_order=1.0))
    store_bars(AAPL=flat(*AAPL), MSFT=flat(*MSFT), IBM=flat(*AAPL))
    live = make_two_bar_strategy(alice, "AAPL", "MSFT", stop_loss_pct=0.1, name="Mine")
    replay(live, CLOSES[2:5])
    live.refresh_from_db()
    return live


def new_version(old: LiveStrategy, **options: Any) -> NewVersion:
    key = options.pop("deploy_key", "")
    options = {"parameters": {"entry": 3}, **options}
    return deploy_new_version(old, Changes(**options), now=CLOSES[4], wall_now=WALL, deploy_key=key)


def owners(user: User) -> dict[str, int | None]:
    return dict(PaperTrade.objects.filter(user=user).values_list("symbol", "live_strategy"))


# --- The new version and the old one ---------------------------------------------------------------------------


def test_the_new_version_has_what_changed_and_keeps_the_rest(live: LiveStrategy) -> None:
    made = new_version(live, rules={"max_positions": 3}, check_interval=600).live
    made = LiveStrategy.objects.get(pk=made.pk)
    assert (made.status, made.previous_version, made.account) == ("active", live, live.account)
    assert (made.name, made.kind, made.symbols, made.timeframe) == (
        "Mine",
        live.kind,
        live.symbols,
        live.timeframe,
    )
    assert (made.parameters["entry"], made.parameters["exit"]) == (3, 2)
    rules = made.risk_rules()
    assert (rules.max_positions, rules.stop_loss_pct, made.check_interval) == (3, 0.1, 600)
    assert made.provenance["data"].keys() == {"AAPL", "MSFT"}


def test_the_old_one_is_stopped_and_keeps_its_record_and_without_hand_over_its_lots(live: LiveStrategy) -> None:
    signals = list(SignalHistory.objects.values())
    made = new_version(live)
    old = LiveStrategy.objects.get(pk=live.pk)
    assert (old.status, old.parameters, old.realized_pnl) == ("stopped", live.parameters, Decimal(-2))
    assert list(SignalHistory.objects.values()) == signals
    assert (made.handed_over, made.left) == ([], ["AAPL", "MSFT"])
    assert owners(live.user) == {"AAPL": old.pk, "MSFT": old.pk}
    assert "2 open positions stay" in new_version_message(made)


def test_it_is_audited(live: LiveStrategy) -> None:
    made = new_version(live, hand_over=True)
    own = AuditRecord.objects.filter(action__in=("stop", "new_version"))
    stop, deployed = own.order_by("sequence")
    assert (stop.action, stop.subject_id) == ("stop", str(live.pk))
    assert (deployed.action, deployed.subject_id) == ("new_version", str(made.live.pk))
    assert deployed.details["previous_version"] == live.pk
    assert deployed.details["handed_over"] == ["AAPL", "MSFT"]


def test_an_entry_on_its_way_is_cancelled(live: LiveStrategy) -> None:
    entry = make_order(user=live.user, live_strategy=live, symbol="IBM")
    new_version(live)
    entry.refresh_from_db()
    assert (entry.state, entry.live_strategy) == ("cancelled", live)


def test_evidence_and_origin_stay_with_what_was_tested(alice: User) -> None:
    store_bars(AAPL=flat(*AAPL), MSFT=flat(*MSFT))
    old = make_live_strategy(user=alice, backtest=make_backtest(user=alice), parameters={"fast": 10, "slow": 30})
    evidence = {"report": {}, "symbols": ["AAPL"], "timeframe": "1Day", "start_date": DAYS[0], "end_date": DAYS[1]}
    CarriedEvidence.objects.create(live_strategy=old, computed_at=WALL, **evidence)
    other = new_version(old, parameters={"fast": 5}).live
    assert (other.backtest, CarriedEvidence.objects.filter(live_strategy=other).count()) == (None, 0)
    assert new_version(old, parameters={}, rules={"max_positions": 2}).live.backtest == old.backtest


# --- Handing over ----------------------------------------------------------------------------------------------


def test_the_lots_go_over_with_all_of_their_orders_and_their_profit_so_far(live: LiveStrategy) -> None:
    made = new_version(live, hand_over=True).live
    assert owners(live.user) == {"AAPL": made.pk, "MSFT": made.pk}
    assert set(Order.objects.values_list("live_strategy", flat=True)) == {made.pk}
    old, made = LiveStrategy.objects.get(pk=live.pk), LiveStrategy.objects.get(pk=made.pk)
    assert (old.realized_pnl, made.realized_pnl) == (0, -2)
    shares = dict(PaperTrade.objects.values_list("symbol", "quantity"))
    gain = shares["AAPL"] * Decimal("0.5") + shares["MSFT"] - 2
    assert made.last_pnl == made.session_start_pnl == made.peak_pnl == gain
    assert made.starting_equity == account_of(live.user).equity - gain  # type: ignore[operator] # reported
    at_day(DAYS[4])
    account = read_account(live.user, "paper", CLOSES[4])
    assert account.of_strategy(made).total == account.performance.total == gain
    assert account.of_strategy(old).total == 0
    assert list(differences()) == []


def test_a_lot_of_a_symbol_that_is_traded_no_more_stays_with_the_old_one_and_keeps_its_stop(
    live: LiveStrategy,
) -> None:
    made = new_version(live, hand_over=True, symbols=["MSFT", "IBM"])
    assert (made.handed_over, made.left) == (["MSFT"], ["AAPL"])
    assert owners(live.user) == {"AAPL": live.pk, "MSFT": made.live.pk}
    replay(made.live, CLOSES[5:8])
    lot = PaperTrade.objects.get(symbol="AAPL")
    assert (lot.live_strategy, lot.exit_reason, lot.exit_price) == (live, "stop_loss", Decimal("10.5"))


def test_after_the_hand_over_everything_goes_on_as_without_it_to_the_cent(live: LiveStrategy, bob: User) -> None:
    open_account(bob, 100_000.0, Costs(commission_per_order=1.0))
    same = make_two_bar_strategy(bob, "AAPL", "MSFT", stop_loss_pct=0.1)
    replay(same, CLOSES[2:9])
    made = new_version(live, hand_over=True, parameters={}, rules={"max_positions": 4}).live
    replay(made, CLOSES[5:9])
    figures = ("symbol", "quantity", "entry_price", "exit_time", "exit_price", "exit_reason", "pnl")
    alices, bobs = (
        list(PaperTrade.objects.filter(user=user).order_by("symbol").values_list(*figures))
        for user in (live.user, bob)
    )
    assert alices == bobs
    assert {reason for *_, reason, _ in alices} == {"stop_loss", "signal"}
    cash = PaperAccount.objects.get(broker_account__user=live.user).cash
    assert cash == PaperAccount.objects.get(broker_account__user=bob).cash == account_of(live.user).booked_cash
    made.refresh_from_db()
    assert made.realized_pnl == sum(PaperTrade.objects.filter(user=live.user).values_list("pnl", flat=True))
    assert [side for _, side, _ in signals_of(made)].count("sell") >= 1


def test_an_exit_that_is_on_its_way_goes_over_and_is_not_sent_twice(live: LiveStrategy) -> None:
    step(live, CLOSES[5])
    (sale,) = Order.objects.filter(purpose="exit")
    made = deploy_new_version(live, Changes(hand_over=True), now=CLOSES[5], wall_now=WALL).live
    sale.refresh_from_db()
    assert (sale.live_strategy, sale.state) == (made, "accepted")
    replay(made, CLOSES[5:8])
    assert Order.objects.filter(purpose="exit").count() == 1
    assert PaperTrade.objects.get(symbol="MSFT").exit_reason == "signal"


def test_a_tripped_daily_loss_stays_tripped(live: LiveStrategy) -> None:
    LiveStrategy.objects.update(tripped_session=live.session, tripped_reason="Too much.")
    made = LiveStrategy.objects.get(pk=new_version(live).live.pk)
    assert (made.has_tripped, made.tripped_reason) == (True, "Too much.")


# --- Refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"parameters": {"exit": 0}}, "parameters.exit"),
        ({"parameters": {"colour": 1}}, "parameters.colour"),
        ({"symbols": []}, "symbols"),
        ({"symbols": ["NOBARS"]}, "symbols"),
        ({"symbols": ["!"]}, "symbols"),
        ({"rules": {"max_positions": 99}}, "max_positions"),
        ({"check_interval": 1}, "check_interval"),
        ({"name": "a\u200bb"}, "name"),
        ({"rules": {"trailing_stop_pct": 0.1, "trailing_stop_atr": 2.0}}, "trailing_stop_atr"),
    ],
)
def test_a_refused_version_changes_nothing(live: LiveStrategy, options: dict[str, Any], field: str) -> None:
    with pytest.raises(DeployRefused) as refused:
        new_version(live, hand_over=True, **options)
    assert list(refused.value.errors) == [field]
    assert LiveStrategy.objects.get().status == "active"


def test_one_that_another_deployment_has_already_is_refused_and_the_old_one_goes_on(live: LiveStrategy) -> None:
    other = new_version(live).live
    LiveStrategy.objects.filter(pk=live.pk).update(status="active")
    with pytest.raises(AlreadyDeployed) as refused:
        new_version(live, hand_over=True)
    assert refused.value.existing == other
    assert LiveStrategy.objects.get(pk=live.pk).status == "active"
    assert set(owners(live.user).values()) == {live.pk}


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_make_one_new_version(live: LiveStrategy) -> None:
    press = partial(new_version, live, hand_over=True, deploy_key="press")
    first, second = at_once(press, press)
    assert first.live == second.live
    assert LiveStrategy.objects.count() == 2
    assert set(owners(live.user).values()) == {first.live.pk}
