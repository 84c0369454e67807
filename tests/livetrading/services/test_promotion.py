"""A paper deployment is promoted to live: once, with the same snapshot, at a part of its size that is raised."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from livetrading.models import BrokerAccount, CarriedEvidence, LiveStrategy, Promotion
from livetrading.services.control import control
from livetrading.services.deploy import AlreadyDeployed, DeployRefused, Snapshot
from livetrading.services.edit import edit
from livetrading.services.new_version import Changes, deploy_new_version
from livetrading.services.promotion import RaiseRefused, Stages, raise_as_tested, raise_size, returns_of_backtest
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import WALL, make_candidate, make_live_strategy
from tests.livetrading.made_bars import CLOSES, DAYS, flat, store_bars
from tests.livetrading.pipeline.desk import replay
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tests.livetrading.promoted import TESTED, backtest_of, in_live_mode, live_trades, on_paper, promoted
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.notifications.events import Event

NOW = CLOSES[4]
PRICES = (10, 10, 12, 12, 12.5)


@pytest.fixture(autouse=True)
def _without_second_factor(settings: Settings, db: None) -> None:
    settings.LIVE_NEEDS_SECOND_FACTOR = False
    store_bars(AAPL=flat(*PRICES), MSFT=flat(*PRICES))


@pytest.fixture
def paper(alice: User) -> LiveStrategy:
    in_live_mode(alice)
    return on_paper(alice, stop_loss_pct=0.07, max_positions=3, check_interval=600)


# --- The promotion ---------------------------------------------------------------------------------------------


def test_the_live_deployment_has_the_same_snapshot_and_a_part_of_the_size(paper: LiveStrategy) -> None:
    CarriedEvidence.objects.create(
        live_strategy=paper, report={}, symbols=["AAPL"], timeframe="1Day", start_date=DAYS[0], end_date=DAYS[1],
        computed_at=WALL,
    )  # fmt: skip
    LiveStrategy.objects.filter(pk=paper.pk).update(fingerprint=_fingerprint(paper))
    live = LiveStrategy.objects.get(pk=promoted(paper, NOW, raise_after=20).pk)
    same = (
        "name",
        "kind",
        "parameters",
        "symbols",
        "timeframe",
        "provenance",
        "strategy",
        "backtest",
        "check_interval",
    )
    assert [getattr(live, name) for name in same] == [getattr(paper, name) for name in same]
    assert live.risk_rules() == paper.risk_rules()
    assert (live.mode, live.account.active, live.status) == ("live", True, "active")
    assert (live.size_fraction, live.promoted_from, live.starting_equity) == (0.25, paper, 100_000)
    assert (live.promotion.raise_after, live.promotion.tested_returns) == (20, TESTED[::-1])
    assert CarriedEvidence.objects.filter(live_strategy=live).exists()
    paper.refresh_from_db()
    assert (paper.status, paper.size_fraction) == ("active", 1.0)


def test_it_is_audited_and_notified(paper: LiveStrategy) -> None:
    live = promoted(paper, NOW)
    record = AuditRecord.objects.latest("sequence")
    assert (record.action, record.subject_id, record.actor) == ("promote", str(live.pk), "alice@example.com")
    assert (record.details["promoted_from"], record.details["size_fraction"]) == (paper.pk, 0.25)
    assert paper.user.notifications.get().event == Event.DEPLOYED


def test_a_repeated_press_makes_one_deployment(paper: LiveStrategy) -> None:
    first = promoted(paper, NOW, deploy_key="a key")
    assert promoted(paper, NOW, deploy_key="a key") == first
    with pytest.raises(AlreadyDeployed) as refusal:
        promoted(paper, NOW, deploy_key="another key")
    assert refusal.value.existing == first
    control(first, "stop", NOW, WALL)
    assert promoted(paper, NOW, deploy_key="a third") != first
    other = on_paper(paper.user, parameters={"fast": 5, "slow": 30})
    LiveStrategy.objects.filter(pk=paper.pk).update(fingerprint=_fingerprint(paper))
    for source, key in ((other, "a key"), (paper, paper.deploy_key)):
        with pytest.raises(DeployRefused) as refused:
            promoted(source, NOW, deploy_key=key)
        assert refused.value.errors.keys() == {"deploy_key"}


@pytest.mark.django_db(transaction=True)
def test_presses_at_the_same_moment_make_one_deployment(paper: LiveStrategy) -> None:
    found = at_once(*[lambda: promoted(paper, NOW, deploy_key="a key")] * 3)
    assert len({live.pk for live in found}) == 1
    assert LiveStrategy.objects.filter(promoted_from=paper).count() == Promotion.objects.count() == 1


# --- Refusals --------------------------------------------------------------------------------------------------


def _unverified(paper: LiveStrategy, settings: Settings) -> None:
    BrokerAccount.objects.filter(mode="live").update(verified_at=None)


def _in_paper_mode(paper: LiveStrategy, settings: Settings) -> None:
    User.objects.update(mode="paper")


def _second_factor(paper: LiveStrategy, settings: Settings) -> None:
    settings.LIVE_NEEDS_SECOND_FACTOR = True


def _no_room(paper: LiveStrategy, settings: Settings) -> None:
    settings.MAX_LIVE_STRATEGIES = 1


def _no_equity(paper: LiveStrategy, settings: Settings) -> None:
    BrokerAccount.objects.filter(mode="live").update(equity=None)


def _failed(paper: LiveStrategy, settings: Settings) -> None:
    LiveStrategy.objects.update(status="error")


def _unknown_kind(paper: LiveStrategy, settings: Settings) -> None:
    LiveStrategy.objects.update(kind="gone")


def _without_bars(paper: LiveStrategy, settings: Settings) -> None:
    LiveStrategy.objects.update(symbols=["AAPL", "NONE"])


@pytest.mark.parametrize(
    ("spoil", "field", "word"),
    [
        (_unverified, "mode", "verified"),
        (_in_paper_mode, "mode", "paper mode"),
        (_second_factor, "mode", "two-factor"),
        (_no_room, "mode", "maximum"),
        (_no_equity, "mode", "equity"),
        (_failed, "mode", "error"),
        (_unknown_kind, "parameters", "gone"),
        (_without_bars, "symbols", "NONE"),
    ],
)
def test_it_is_refused_with_a_reason(
    paper: LiveStrategy, settings: Settings, spoil: Callable[[Any, Any], None], field: str, word: str
) -> None:
    spoil(paper, settings)
    with pytest.raises(DeployRefused) as refusal:
        promoted(paper, NOW)
    assert word in refusal.value.errors[field]
    assert not LiveStrategy.objects.filter(account__mode="live").exists()


def test_what_trades_live_is_not_promoted(paper: LiveStrategy) -> None:
    with pytest.raises(DeployRefused, match="live already"):
        promoted(promoted(paper, NOW), NOW)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"fraction": 0.04}, "fraction"),
        ({"fraction": 1.01}, "fraction"),
        ({"fraction": float("nan")}, "fraction"),
        ({"raise_after": 9}, "raise_after"),
        ({"raise_after": 501}, "raise_after"),
    ],
)
def test_stages_have_bounds(values: dict[str, Any], field: str) -> None:
    with pytest.raises(DeployRefused) as refusal:
        Stages(**values)
    assert refusal.value.errors.keys() == {field}


def test_without_tested_trades_the_size_is_raised_by_hand(paper: LiveStrategy) -> None:
    paper.backtest.trades.filter(return_fraction__gt=0).update(exit_time=None)  # type: ignore[union-attr] # it has one
    paper.backtest.trades.first().delete()  # type: ignore[union-attr] # and trades
    with pytest.raises(DeployRefused) as refusal:
        promoted(paper, NOW, raise_after=20)
    assert refusal.value.errors.keys() == {"raise_after"}
    assert promoted(paper, NOW).promotion.raise_after is None


def test_the_expectation_is_of_a_backtest_of_the_same_settings(alice: User) -> None:
    row = make_candidate(user=alice)
    live = make_live_strategy(user=alice, candidate=row, symbols=["AAPL"], parameters=row.parameters)
    assert returns_of_backtest(live) == []
    backtest_of(alice, [0.25], candidate=row, parameters=row.parameters)
    backtest_of(alice, [0.5], candidate=row, parameters={"fast": 1, "slow": 2})
    assert returns_of_backtest(live) == [0.25]
    own = make_live_strategy(user=alice, strategy=row.strategy)
    assert returns_of_backtest(own) == []
    backtest_of(alice, [0.125], strategy=row.strategy)
    assert returns_of_backtest(own) == [0.125]


# --- Raising by hand -------------------------------------------------------------------------------------------


def test_the_size_is_raised_in_steps_and_never_lowered(paper: LiveStrategy) -> None:
    live = promoted(paper, NOW)
    assert raise_size(live, 0.5, NOW, WALL) == (live, 0.25)
    assert (live.size_fraction, raise_size(live, 0.5, NOW, WALL).before) == (0.5, 0.5)
    for wrong in (0.4, 0.01, 1.5):
        with pytest.raises(RaiseRefused):
            raise_size(live, wrong, NOW, WALL)
    raise_size(live, 1.0, NOW, WALL)
    records = AuditRecord.objects.filter(action="raise_size").order_by("sequence")
    assert [record.details for record in records] == [
        {"before": 0.25, "after": 0.5},
        {"before": 0.5, "after": 1.0},
    ]
    assert paper.user.notifications.filter(event=Event.SIZE).count() == 2
    assert LiveStrategy.objects.get(pk=live.pk).size_fraction == 1.0


def test_edits_and_new_versions_keep_the_part(paper: LiveStrategy) -> None:
    live = promoted(paper, NOW, raise_after=20)
    edit(live, {"position_size_pct": 0.1}, NOW, WALL)
    same = deploy_new_version(live, Changes(rules={"max_positions": 2}), now=NOW, wall_now=WALL).live
    assert (same.size_fraction, same.promoted_from, same.promotion.raise_after) == (0.25, paper, 20)
    other = deploy_new_version(same, Changes(parameters={"fast": 5}), now=NOW, wall_now=WALL).live
    assert (other.size_fraction, other.promoted_from) == (0.25, None)
    assert not Promotion.objects.filter(live_strategy=other).exists()


def test_the_pipeline_trades_the_part(alice: User) -> None:
    bought = []
    for fraction in (1.0, 0.25):
        live = make_two_bar_strategy(alice, "AAPL", size_fraction=fraction)
        replay(live, CLOSES[2:4])
        bought.append(live.orders.get(purpose="entry").filled_quantity)
        LiveStrategy.objects.all().update(status="stopped")
    assert bought == [166, 41]  # 2% of 100,000 at 12


# --- Raising by itself -----------------------------------------------------------------------------------------


def raised(live: LiveStrategy) -> tuple[int, float, int]:
    """How many one call raises, and then the part and the number of trades that were looked at."""
    number = raise_as_tested(NOW, WALL)
    live.refresh_from_db()
    live.promotion.refresh_from_db()
    return number, live.size_fraction, live.promotion.judged_trades


def test_trades_like_the_tested_ones_raise_it_once(paper: LiveStrategy, bob: User) -> None:
    live = promoted(paper, NOW, raise_after=10)
    live_trades(live, *[0.05, -0.03] * 4, 0.05)
    assert raised(live) == (0, 0.25, 0)
    live_trades(live, -0.03)
    assert raised(live) == (1, 1.0, 10)
    assert raised(live) == (0, 1.0, 10)
    record = AuditRecord.objects.get(action="raise_size")
    assert (record.actor, record.details) == ("the desk", {"before": 0.25, "after": 1.0})


@pytest.mark.parametrize(("value", "word"), [(-0.03, "below"), (0.05, "above")])
def test_other_trades_do_not_and_are_looked_at_again_after_as_many(
    paper: LiveStrategy, value: float, word: str
) -> None:
    live = promoted(paper, NOW, raise_after=10)
    live_trades(live, *[value] * 10)
    assert raised(live) == (0, 0.25, 10)
    assert word in live.promotion.finding
    assert live.user.notifications.filter(event=Event.SIZE).count() == 1
    live_trades(live, *[value] * 9)
    assert raised(live) == (0, 0.25, 10)
    live_trades(live, value)
    assert raised(live) == (0, 0.25, 20)
    assert live.user.notifications.filter(event=Event.SIZE).count() == 2


def test_by_hand_means_by_hand_and_a_pause_waits(paper: LiveStrategy) -> None:
    by_hand = promoted(paper, NOW)
    live_trades(by_hand, *[0.05, -0.03] * 5)
    assert raised(by_hand) == (0, 0.25, 0)
    Promotion.objects.update(raise_after=10)
    control(by_hand, "pause", NOW, WALL)
    assert raised(by_hand) == (0, 0.25, 0)
    control(by_hand, "start", NOW, WALL)
    assert raised(by_hand) == (1, 1.0, 10)


def _fingerprint(live: LiveStrategy) -> str:
    """The one that a deployment gives it."""
    rules = live.risk_rules()
    return Snapshot(live.strategy, "", live.kind, live.parameters, live.symbols, "1Day", rules).fingerprint()
