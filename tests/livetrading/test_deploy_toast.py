"""What the toast of a deployment and the page of a running strategy say of its evidence."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from backtests.research.robustness.scorecard import Line, Rating
from livetrading.summaries.deploy_toast import deployment_toast, evidence_doubt
from livetrading.summaries.evidence import CarriedScorecard
from tests.livetrading.factories import make_live_strategy
from tradedesk.accounts.models import User


def carried(rating: Rating) -> Any:
    return CarriedScorecard(carried=None, lines=[], overall=Line("overall", "Overall", rating, "Why.", ""))  # type: ignore[arg-type]  # not read


def deployed(**origin: Any) -> Any:
    return SimpleNamespace(**{"candidate": None, "backtest": None} | origin)


@pytest.mark.parametrize(
    ("rating", "doubt"),
    [(Rating.FAIL, "Evidence: Fail. Why."), (Rating.CAUTION, "Evidence: Caution. Why."), (Rating.PASS, "")],
)
def test_evidence_that_does_not_pass_is_said(rating: Rating, doubt: str) -> None:
    assert evidence_doubt(deployed(), carried(rating)) == doubt


def test_missing_evidence_is_said_with_its_reason() -> None:
    pending = SimpleNamespace(evidence=None)
    failed = SimpleNamespace(evidence=SimpleNamespace(error="No bars."))
    doubts = [
        evidence_doubt(origin, None)
        for origin in (deployed(), deployed(candidate=pending), deployed(backtest=failed))
    ]
    assert all(doubt.startswith("No evidence") for doubt in doubts)
    assert len(set(doubts)) == 3


@pytest.mark.parametrize(
    ("rating", "level"), [(Rating.FAIL, "warning"), (Rating.CAUTION, "success"), (Rating.PASS, "success")]
)
def test_failing_evidence_makes_the_toast_a_warning(
    alice: User, monkeypatch: pytest.MonkeyPatch, rating: Rating, level: str
) -> None:
    live = make_live_strategy(user=alice)
    found = {live.pk: carried(rating)}
    monkeypatch.setattr("livetrading.summaries.deploy_toast.carried_scorecards", lambda user, rows: found)
    shown, text = deployment_toast(live)
    assert shown == level
    assert ("Why." in text) == (rating is not Rating.PASS)


def test_a_running_strategy_without_evidence_says_so(
    alices_browser: Client, bobs_browser: Client, charlies_browser: Client, alice: User
) -> None:
    live = make_live_strategy(user=alice)
    url = f"/dashboard/live-trading/{live.pk}"
    assert 'data-evidence="none"' in alices_browser.get(url).content.decode()
    assert bobs_browser.get(url).status_code == 404
    assert charlies_browser.get(url).status_code == 302
