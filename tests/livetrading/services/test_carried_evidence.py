"""The evidence that a live strategy is deployed with stays with it."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from backtests.models import Backtest, Candidate, Evidence
from livetrading.models import CarriedEvidence, LiveStrategy
from livetrading.services.deploy import deploy
from livetrading.services.evidence import carry_computed
from livetrading.summaries.evidence import carried_scorecards
from tests.backtests.research.robustness.reports import GOOD
from tests.livetrading.factories import NOW, WALL, make_backtest, make_candidate, make_live_strategy, make_strategy
from tests.livetrading.made_bars import flat, store_bars
from tests.livetrading.published import Published, published
from tradedesk.accounts.models import User

REQUESTED = "compute_candidate_evidence"


@pytest.fixture
def queue() -> Iterator[Published]:
    with published() as tasks:
        yield tasks


@pytest.fixture
def candidate(alice: User) -> Candidate:
    store_bars(AAPL=flat(10, 11), MSFT=flat(20, 21))
    return make_candidate(user=alice)


def computed(subject: Backtest | Candidate, error: str = "") -> Evidence:
    name = "candidate" if isinstance(subject, Candidate) else "backtest"
    report = {} if error else GOOD
    return Evidence.objects.create(**{name: subject}, report=report, error=error, computed_at=WALL)


def carried_by(live: LiveStrategy) -> CarriedEvidence | None:
    return CarriedEvidence.objects.filter(live_strategy=live).first()


def test_a_deployed_row_keeps_its_evidence_when_its_search_is_deleted(alice: User, candidate: Candidate) -> None:
    computed(candidate)
    live = deploy(alice, candidate, now=NOW, wall_now=NOW)
    candidate.run.delete()
    carried = carried_by(live)
    assert carried is not None
    assert (carried.report, carried.symbols) == (GOOD, ["AAPL"])
    assert (carried.start_date, carried.end_date) == (candidate.run.start_date, candidate.run.end_date)
    scorecard = carried_scorecards(alice, [live])[live.pk]
    assert scorecard.overall.rating == "pass"


def test_a_row_without_evidence_gets_it_when_it_is_deployed(
    alice: User,
    candidate: Candidate,
    queue: Published,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        live = deploy(alice, candidate, now=NOW, wall_now=NOW)
    assert [arguments for name, arguments in queue if name == REQUESTED] == [[candidate.pk]]
    assert carried_by(live) is None
    queue.clear()
    with django_capture_on_commit_callbacks(execute=True):
        carry_computed()  # the message was lost
    assert [arguments for name, arguments in queue if name == REQUESTED] == [[candidate.pk]]
    queue.clear()
    computed(candidate)
    carry_computed()
    carry_computed()
    assert carried_by(live) is not None
    assert queue == []


def test_evidence_that_failed_is_not_carried_and_not_asked_for_again(
    alice: User,
    candidate: Candidate,
    queue: Published,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    computed(candidate, error="The bars of AAPL changed.")
    with django_capture_on_commit_callbacks(execute=True):
        live = deploy(alice, candidate, now=NOW, wall_now=NOW)
        carry_computed()
    assert carried_by(live) is None
    assert REQUESTED not in [name for name, _ in queue]


def test_a_strategy_carries_the_evidence_beside_its_deploy_button(alice: User) -> None:
    store_bars(AAPL=flat(10, 11), MSFT=flat(20, 21))
    strategy = make_strategy(user=alice)
    computed(make_backtest(user=alice, strategy=strategy, parameters={"fast": 5, "slow": 50}))
    assert carried_by(deploy(alice, strategy, now=NOW, wall_now=NOW)) is None
    computed(make_backtest(user=alice, strategy=strategy))
    other = make_strategy(user=alice)
    assert carried_by(deploy(alice, other, now=NOW, wall_now=NOW)) is None
    LiveStrategy.objects.all().delete()
    assert carried_by(deploy(alice, strategy, now=NOW, wall_now=NOW)) is not None


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    live = make_live_strategy(user=alice)
    carry(live)
    return live


def carry(live: LiveStrategy) -> None:
    backtest = make_backtest(user=live.user)
    CarriedEvidence.objects.create(
        live_strategy=live,
        report=GOOD,
        symbols=backtest.symbols,
        timeframe=backtest.timeframe,
        start_date=backtest.start_date,
        end_date=backtest.end_date,
        computed_at=WALL,
    )


def test_the_page_shows_what_it_carries(
    live: LiveStrategy, alices_browser: Client, bobs_browser: Client, charlies_browser: Client
) -> None:
    address = reverse("livetrading:detail", args=[live.pk])
    page = alices_browser.get(address).content.decode()
    assert page.count("rating-pass") == len(carried_scorecards(live.user, [live])[live.pk].lines) + 1
    assert "rating-" not in alices_browser.get(address, headers={"HX-Request": "true"}).content.decode()
    assert bobs_browser.get(address).status_code == 404
    assert charlies_browser.get(address).status_code == 302


def test_any_number_of_live_strategies_costs_three_queries(
    live: LiveStrategy, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    carry(make_live_strategy(user=live.user))
    for count in (1, 2):
        rows = list(LiveStrategy.objects.all()[:count])
        with django_assert_num_queries(3):
            assert len(carried_scorecards(live.user, rows)) == count
