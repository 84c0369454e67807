"""The pages of a live strategy's life: deploy with settings, edit, new version, stop, delete."""

import re
from typing import Any

import pytest
from django.test import Client

from livetrading.models import LiveStrategy
from livetrading.models.live_strategy import MAX_CHECK_INTERVAL
from strategies.models import Strategy
from tests.livetrading.factories import (
    TODAY,
    WALL,
    at_day,
    make_backtest,
    make_live_strategy,
    make_paper_trade,
    make_strategy,
)
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples

NEW = "/dashboard/live-trading/new"
# The form as the page shows it, in percent and minutes.
VALID: dict[str, Any] = {
    "name": "Small",
    "symbols": "aapl, MSFT IBM",
    "check_interval": "10",
    "auto_execute": "on",
    "position_size_pct": "1.5",
    "max_positions": "3",
    "max_position_size": "2000",
    "daily_loss_limit": "250",
    "signal_threshold": "0.7",
    "stop_loss_pct": "5",
    "take_profit_pct": "",
}


@pytest.fixture
def strategy(alice: User) -> Strategy:
    load_samples(WALL)
    at_day(TODAY)
    return make_strategy(user=alice, name="Tech")


def form_of(strategy: Strategy, **changes: Any) -> dict[str, Any]:
    return VALID | {"source": f"strategy:{strategy.pk}", "deploy_key": "key"} | changes


def url_of(live: LiveStrategy, page: str) -> str:
    return f"/dashboard/live-trading/{live.pk}/{page}"


def test_no_key_gets_into_the_address_of_the_risk(alices_browser: Client, strategy: Strategy) -> None:
    page = alices_browser.get(NEW, {"source": f"strategy:{strategy.pk}"}).content.decode()
    sender = next(tag for tag in re.findall(r"<div[^>]*>", page) if f'hx-get="{NEW}/risk"' in tag)
    assert 'hx-params="not csrfmiddlewaretoken,deploy_key"' in sender
    sent = {name: value for name, value in form_of(strategy).items() if name != "deploy_key"}
    assert alices_browser.get(f"{NEW}/risk", sent).context["risk"].size == 0.015


def test_it_deploys_what_was_typed(alices_browser: Client, strategy: Strategy) -> None:
    answer = alices_browser.post(NEW, form_of(strategy))
    live = LiveStrategy.objects.get()
    assert answer["Location"] == f"/dashboard/live-trading/{live.pk}"
    assert (live.name, live.symbols, live.check_interval, live.auto_execute) == (
        "Small",
        ["AAPL", "MSFT", "IBM"],
        600,
        True,
    )
    rules = live.risk_rules()
    assert (rules.position_size_pct, rules.max_positions, rules.max_position_size) == (0.015, 3, 2000)
    assert (rules.daily_loss_limit, rules.signal_threshold) == (250, 0.7)
    assert (rules.stop_loss_pct, rules.take_profit_pct) == (0.05, None)


def test_a_double_click_deploys_once(alices_browser: Client, strategy: Strategy) -> None:
    for _ in range(2):
        assert alices_browser.post(NEW, form_of(strategy)).status_code == 302
    assert LiveStrategy.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", "x" * 101),
        ("name", "a\u202eb"),
        ("symbols", ""),
        ("symbols", "NOSUCH"),
        ("check_interval", "0"),
        ("check_interval", "61"),
        ("check_interval", "1.5"),
        ("check_interval", "soon"),
        ("position_size_pct", "0.05"),
        ("position_size_pct", "51"),
        ("position_size_pct", "nan"),
        ("max_positions", "0"),
        ("max_positions", "21"),
        ("max_positions", "2.5"),
        ("max_position_size", "0"),
        ("daily_loss_limit", "-5"),
        ("signal_threshold", "1.1"),
        ("stop_loss_pct", "100"),
    ],
)
def test_an_error_stands_at_its_field_and_nothing_is_lost(
    alices_browser: Client, strategy: Strategy, field: str, typed: str
) -> None:
    answer = alices_browser.post(NEW, form_of(strategy, **{field: typed}))
    assert answer.status_code == 200
    form = answer.context["form"]
    assert list(form.errors) == [field]
    assert form["daily_loss_limit"].value() == (typed if field == "daily_loss_limit" else "250")
    assert not LiveStrategy.objects.exists()


def test_two_trailing_stops_are_refused_at_the_field(alices_browser: Client, strategy: Strategy) -> None:
    both = form_of(strategy, trailing_stop_pct="5", trailing_stop_atr="3")
    answer = alices_browser.post(NEW, both)
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, ["trailing_stop_atr"])


def test_it_is_prefilled_from_a_strategy_and_from_a_backtest(
    alices_browser: Client, alice: User, strategy: Strategy
) -> None:
    form = alices_browser.get(f"{NEW}?source=strategy:{strategy.pk}").context["form"]
    assert form["name"].value() == "Live - Tech"
    assert form["symbols"].value() == "AAPL, MSFT"
    assert form["position_size_pct"].value() == "2"
    assert form["check_interval"].value() == 5
    backtest = make_backtest(user=alice, strategy=strategy)
    backtest.rules = backtest.rules | {"position_size_pct": 0.25, "stop_loss_pct": 0.07}
    backtest.save()
    page = alices_browser.get(f"{NEW}?source=backtest:{backtest.pk}")
    assert page.context["form"]["position_size_pct"].value() == "25"
    assert page.context["form"]["stop_loss_pct"].value() == "7"
    assert page.context["risk"].tested == 0.25


def test_without_a_source_it_asks_for_the_strategy(alices_browser: Client, strategy: Strategy) -> None:
    assert f'value="strategy:{strategy.pk}"' in alices_browser.get(NEW).content.decode()


@pytest.mark.parametrize("source", ["", "strategy:abc", "other:1", "strategy:99999999999999999999"])
def test_a_wrong_source_is_refused(alices_browser: Client, alice: User, source: str) -> None:
    for answer in (alices_browser.get(f"{NEW}?source={source}"), alices_browser.post(NEW, {"source": source})):
        assert answer.status_code in (400, 404)


def test_the_risk_follows_the_size(alices_browser: Client, strategy: Strategy) -> None:
    values = {"source": f"strategy:{strategy.pk}", "position_size_pct": "3"}
    assert alices_browser.get(f"{NEW}/risk", values).context["risk"].size == 0.03
    assert alices_browser.get(f"{NEW}/risk", values | {"position_size_pct": "x"}).context["risk"].size is None


def test_limits_and_name_are_edited(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle")
    assert alices_browser.get(url_of(live, "edit")).context["form"]["name"].value() == "Turtle"
    edited = VALID | {"name": "Tortoise", "check_interval": "60"}
    assert alices_browser.post(url_of(live, "edit"), edited).status_code == 302
    live.refresh_from_db()
    assert (live.name, live.check_interval, live.risk_rules().position_size_pct) == (
        "Tortoise",
        MAX_CHECK_INTERVAL,
        0.015,
    )
    (done,) = alices_browser.get(f"/dashboard/live-trading/{live.pk}").context["edits"]
    assert (done.what, done.actor) == ("Edited", "alice@example.com")
    assert {"Name", "Position size"} <= {changed.label for changed in done.changed}


@pytest.mark.parametrize(("typed", "stored"), [("1", 90), ("2", 120)])
def test_an_interval_that_is_no_whole_minute_stays_until_it_is_changed(
    alices_browser: Client, alice: User, typed: str, stored: int
) -> None:
    live = make_live_strategy(user=alice, check_interval=90)
    assert alices_browser.get(url_of(live, "edit")).context["form"]["check_interval"].value() == 1
    edited = VALID | {"name": "Tortoise", "check_interval": typed}
    assert alices_browser.post(url_of(live, "edit"), edited).status_code == 302
    live.refresh_from_db()
    assert (live.name, live.check_interval) == ("Tortoise", stored)


def test_a_refused_edit_changes_nothing(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle")
    answer = alices_browser.post(url_of(live, "edit"), VALID | {"name": " ", "position_size_pct": "51"})
    assert answer.status_code == 200
    assert set(answer.context["form"].errors) == {"name", "position_size_pct"}
    live.refresh_from_db()
    assert live.name == "Turtle"


def test_a_new_version_has_other_parameters(alices_browser: Client, strategy: Strategy) -> None:
    alices_browser.post(NEW, form_of(strategy))
    LiveStrategy.objects.update(check_interval=90)  # as the API can
    old = LiveStrategy.objects.get()
    page = alices_browser.get(url_of(old, "new-version"))
    assert page.context["form"]["param_fast"].value() == "10"
    sent = VALID | {"deploy_key": "second", "check_interval": "1", "param_fast": "12", "param_slow": "30"}
    answer = alices_browser.post(url_of(old, "new-version"), sent)
    made = LiveStrategy.objects.get(previous_version=old)
    assert answer["Location"] == f"/dashboard/live-trading/{made.pk}"
    assert (made.parameters, made.status) == ({"fast": 12, "slow": 30}, "active")
    assert made.check_interval == 90
    old.refresh_from_db()
    assert old.status == "stopped"
    wrong = VALID | {"deploy_key": "third", "param_fast": "40", "param_slow": "30"}
    refused = alices_browser.post(url_of(made, "new-version"), wrong)
    assert refused.status_code == 200
    assert LiveStrategy.objects.count() == 2


def test_stop_asks_when_something_is_held(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    make_paper_trade(user=alice, live_strategy=live)
    page = alices_browser.get(f"/dashboard/live-trading/{live.pk}").content.decode()
    assert url_of(live, "confirm-stop") in page
    assert f'action="{url_of(live, "stop")}"' not in page
    assert alices_browser.get(url_of(live, "confirm-stop")).status_code == 200
    live.refresh_from_db()
    assert live.status == "active"
    answer = alices_browser.post(url_of(live, "confirm-stop"), {"close": "1"})
    assert answer["Location"] == url_of(live, "close")
    live.refresh_from_db()
    assert live.status == "stopped"


def test_stop_also_asks_when_the_last_position_was_sold_meanwhile(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    page = alices_browser.get(url_of(live, "confirm-stop"))
    assert page.status_code == 200
    assert 'name="close"' not in page.content.decode()
    assert alices_browser.post(url_of(live, "confirm-stop")).status_code == 302
    live.refresh_from_db()
    assert live.status == "stopped"


def test_deleting_keeps_what_holds_and_hides_the_rest(alices_browser: Client, alice: User) -> None:
    holding, empty = make_live_strategy(user=alice), make_live_strategy(user=alice)
    make_paper_trade(user=alice, live_strategy=holding)
    for live in (holding, empty):
        assert alices_browser.get(url_of(live, "delete")).status_code == 200
        alices_browser.post(url_of(live, "delete"))
    assert list(LiveStrategy.objects.all()) == [holding]


@pytest.mark.parametrize("page", ["edit", "new-version", "confirm-stop", "delete"])
def test_only_the_owner_opens_and_sends_these_pages(
    bobs_browser: Client, charlies_browser: Client, alice: User, page: str
) -> None:
    live = make_live_strategy(user=alice)
    for send in (bobs_browser.get, bobs_browser.post):
        assert send(url_of(live, page)).status_code == 404
    for send in (charlies_browser.get, charlies_browser.post):
        assert send(url_of(live, page))["Location"].startswith("/accounts/login/")
    live.refresh_from_db()
    assert live.status == "active"


def test_nobody_deploys_the_strategy_of_another(
    bobs_browser: Client, charlies_browser: Client, strategy: Strategy
) -> None:
    assert bobs_browser.get(f"{NEW}?source=strategy:{strategy.pk}").status_code == 404
    assert bobs_browser.get(f"{NEW}/risk?source=strategy:{strategy.pk}").status_code == 404
    assert bobs_browser.post(NEW, form_of(strategy)).status_code == 404
    assert charlies_browser.post(NEW, form_of(strategy))["Location"].startswith("/accounts/login/")
    assert not LiveStrategy.objects.exists()
