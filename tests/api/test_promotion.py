"""Promote to live and raise the size, through the API."""

import pytest
from pytest_django import Settings

from livetrading.models import LiveStrategy
from tests.api.client import ApiClient, field_messages
from tests.livetrading.promoted import in_live_mode, on_paper
from tradedesk.accounts.models import User

URL = "/api/v1/live-trading/strategies"

pytestmark = pytest.mark.usefixtures("market")


@pytest.fixture
def paper(alice: User, settings: Settings) -> LiveStrategy:
    settings.LIVE_NEEDS_SECOND_FACTOR = False
    in_live_mode(alice)
    return on_paper(alice)


def test_promote_once_and_raise(alices: ApiClient, paper: LiveStrategy) -> None:
    body = {"fraction": 0.2, "raise_after": 20}
    answers = [alices.post(f"{URL}/{paper.pk}/promote", body, idempotency_key="a key") for _ in range(2)]
    live = LiveStrategy.objects.get(account__mode="live")
    for answer in answers:
        assert (answer.status, answer.json["id"], answer.json["mode"]) == (201, live.pk, "live")
        assert (answer.json["size_fraction"], answer.json["promoted_from_id"]) == (0.2, paper.pk)
    again = alices.post(f"{URL}/{paper.pk}/promote", {})
    assert (again.status, again.json["live_strategy_id"]) == (409, live.pk)
    for fraction, status in ((0.5, 200), (0.5, 200), (0.3, 409), (1.5, 409)):
        assert alices.post(f"{URL}/{live.pk}/raise", {"fraction": fraction}).status == status
    assert alices.post(f"{URL}/{live.pk}/raise", {}).json["size_fraction"] == 1.0


def test_refusals(alices: ApiClient, paper: LiveStrategy) -> None:
    wrong = alices.post(f"{URL}/{paper.pk}/promote", {"fraction": 0.01, "raise_after": 5})
    assert (wrong.status, field_messages(wrong).keys()) == (422, {"fraction", "raise_after"})
    assert alices.post(f"{URL}/{paper.pk}/promote", {"fraction": "0.5"}).status == 422
    User.objects.update(mode="paper")
    refused = alices.post(f"{URL}/{paper.pk}/promote", {})
    assert (refused.status, field_messages(refused).keys()) == (422, {"mode"})


def test_only_the_owner(bobs: ApiClient, charlies: ApiClient, paper: LiveStrategy) -> None:
    for action in ("promote", "raise"):
        assert bobs.post(f"{URL}/{paper.pk}/{action}", {}).status == 404
        assert charlies.post(f"{URL}/{paper.pk}/{action}", {}).status == 401
    assert LiveStrategy.objects.count() == 1
