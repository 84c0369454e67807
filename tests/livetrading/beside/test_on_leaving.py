"""What follows when a strategy leaves its expected range: chosen on the page of its limits and in the API."""

import pytest
from django.test import Client

from livetrading.life_forms import EditForm
from livetrading.models import LiveStrategy
from livetrading.services.edit import EditRefused, edit
from livetrading.summaries.edits import done_to
from tests.api.client import ApiClient
from tests.livetrading.factories import NOW, WALL, make_live_strategy
from tests.livetrading.reading import LIVE
from tradedesk.accounts.models import User


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def chosen(live: LiveStrategy) -> str:
    live.refresh_from_db()
    return live.on_leaving


def test_it_is_chosen_on_the_page(alices_browser: Client, bobs_browser: Client, live: LiveStrategy) -> None:
    form = EditForm.of(live)
    sent = {name: field.value() for name in form.fields if (field := form[name]).value() is not None}
    assert sent["on_leaving"] == "notify"
    url = f"{LIVE}/{live.pk}/edit"
    assert bobs_browser.post(url, sent | {"on_leaving": "pause"}).status_code == 404
    assert alices_browser.post(url, sent | {"on_leaving": "comet"}).status_code == 200
    assert chosen(live) == "notify"
    assert alices_browser.post(url, sent | {"on_leaving": "pause"}).status_code == 302
    assert chosen(live) == "pause"
    (setting,) = done_to(live.user, live)[0].changed
    labels = dict(LiveStrategy.OnLeaving.choices)
    assert (setting.before, setting.after) == (labels["notify"], labels["pause"])
    # A page that was opened before there was a choice leaves it.
    del sent["on_leaving"]
    assert alices_browser.post(url, sent).status_code == 302
    assert chosen(live) == "pause"


def test_it_is_chosen_in_the_api(alice: User, bob: User, live: LiveStrategy) -> None:
    path = f"/api/v1/live-trading/strategies/{live.pk}"
    body = {"on_leaving": "pause_below"}
    statuses = [ApiClient(user).send("put", path, body).status for user in (None, bob)]
    assert statuses == [401, 404]
    answer = ApiClient(alice).send("put", path, body)
    assert (answer.status, answer.json["limits"]["on_leaving"]) == (200, "pause_below")
    assert ApiClient(alice).send("put", path, {"on_leaving": "comet"}).status == 422
    assert chosen(live) == "pause_below"


def test_the_service_refuses_another_word(live: LiveStrategy) -> None:
    with pytest.raises(EditRefused) as refusal:
        edit(live, {"on_leaving": "comet"}, NOW, WALL)
    assert set(refusal.value.errors) == {"on_leaving"}
