"""The controls of the replay through the API."""

from typing import Any

import pytest

from tests.api.client import ApiClient, field_messages
from tests.livetrading.factories import TODAY, WALL, at_day, make_paper_trade, make_strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata import replay
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.pacing import Play
from tradedesk.marketdata.samples import LAST_SESSION
from tradedesk.marketdata.services import load_samples

REPLAY = "/api/v1/replay"


@pytest.fixture(autouse=True)
def _market(db: None, settings: Any) -> None:
    settings.REPLAY_START, settings.REPLAY_SECONDS_PER_BAR = "2010-01-04", 5.0
    at_day(TODAY)


def test_every_control_returns_the_state(alices: ApiClient) -> None:
    state = {
        "state": "playing",
        "session": "2010-03-08",
        "market_time": "2010-03-08T21:00:00Z",
        "speed": 1,
        "seconds_per_session": 5.0,
        "jump_to": None,
        "waiting_for": None,
        "moved_without": None,
        "control_problem": None,
    }
    assert alices.get(REPLAY).json == state
    for _ in range(2):
        assert alices.post(f"{REPLAY}/pause").json == state | {"state": "paused"}
    fast = {"speed": 10, "seconds_per_session": 0.5}
    assert alices.post(f"{REPLAY}/speed", {"speed": 10}).json == state | fast
    jumping = {"state": "jumping", "jump_to": "2010-04-01"}
    assert alices.post(f"{REPLAY}/jump", {"date": "2010-04-01"}).json == state | fast | jumping
    restarted = {"session": "2011-07-05", "market_time": "2011-07-05T20:00:00Z"}
    assert alices.post(f"{REPLAY}/restart", {"start": "2011-07-04"}).json == state | fast | restarted


def test_wrong_values_are_told_at_their_field(alices: ApiClient) -> None:
    assert set(field_messages(alices.post(f"{REPLAY}/speed", {"speed": 3}))) == {"speed"}
    for value in ("2010-01-04", "1999-01-04", "soon", None, 7):
        assert set(field_messages(alices.post(f"{REPLAY}/jump", {"date": value}))) == {"date"}
    assert set(field_messages(alices.post(f"{REPLAY}/restart", {"start": "2020-01-02"}))) == {"start"}
    assert replay.replay_state().play == Play()


def test_a_restart_needs_the_word_where_something_is_deleted(alice: User, alices: ApiClient) -> None:
    make_paper_trade(user=alice)
    response = alices.post(f"{REPLAY}/restart", {})
    assert response.status == 400
    assert "1 trade (1 open)" in response.json["detail"]
    assert replay.replay_state().session == TODAY
    assert alices.post(f"{REPLAY}/restart", {"confirm": "RESTART"}).json["session"] == "2010-01-04"


def test_bob_sees_the_state_and_is_told_why_he_may_not(alice: User, bobs: ApiClient) -> None:
    problem = bobs.get(REPLAY).json["control_problem"]
    assert "operator" in problem
    for path, body in (
        ("pause", None),
        ("speed", {"speed": 10}),
        ("jump", {"date": "2010-04-01"}),
        ("restart", {}),
    ):
        response = bobs.post(f"{REPLAY}/{path}", body)
        assert (response.status, response.json) == (403, {"detail": problem})


def test_after_the_end(alice: User, alices: ApiClient) -> None:
    load_samples(WALL)
    ReplayMarket.objects.update(session=LAST_SESSION, ended=True)
    assert alices.get(REPLAY).json["state"] == "ended"
    assert alices.post(f"{REPLAY}/pause").status == 409
    strategy = make_strategy(user=alice)
    response = alices.post("/api/v1/live-trading/strategies", {"strategy_id": strategy.pk})
    assert "ended" in field_messages(response)["mode"]


def test_the_real_market_has_no_replay(alices: ApiClient, settings: Any) -> None:
    settings.MARKET = "real"
    assert alices.get(REPLAY).status == alices.post(f"{REPLAY}/pause").status == 409
