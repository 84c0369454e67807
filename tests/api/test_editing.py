"""Create, edit, renew and delete live strategies through the API, and their status."""

from typing import Any

import pytest

from livetrading.models import LiveStrategy, PaperTrade
from strategies.models import Strategy
from tests.api.client import ApiClient, field_messages
from tests.livetrading.factories import (
    make_backtest,
    make_candidate,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_signal,
    make_stop,
)
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.core.rules import DEPLOYED_RULES

URL = "/api/v1/live-trading/strategies"

pytestmark = pytest.mark.usefixtures("market")


@pytest.fixture
def strategy(alice: User) -> Strategy:
    return a_strategy(alice, "Golden cross")


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice, name="Mine")


# --- Create ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [False, True])
def test_a_strategy_is_deployed_with_settings(alices: ApiClient, strategy: Strategy, as_text: bool) -> None:
    body: dict[str, Any] = {
        "strategy_id": str(strategy.pk) if as_text else strategy.pk,
        "name": "Mine",
        "symbols": ["msft"],
        "check_interval": 600,
        "auto_execute": False,
        "max_positions": 3,
        "stop_loss_pct": None,
    }
    response = alices.post(URL, body)
    live = LiveStrategy.objects.get()
    assert (response.status, response.json["id"], response.json["name"]) == (201, live.pk, "Mine")
    assert (live.symbols, live.check_interval, live.auto_execute) == (["MSFT"], 600, False)
    rules = live.risk_rules()
    assert (rules.max_positions, rules.stop_loss_pct, rules.position_size_pct) == (3, None, 0.02)
    assert alices.get(f"{URL}/{live.pk}").json == response.json


def test_a_backtest_and_a_row_are_deployed_with_their_rules(
    alices: ApiClient, alice: User, strategy: Strategy
) -> None:
    backtest, row = make_backtest(user=alice, strategy=strategy), make_candidate(user=alice, strategy=strategy)
    assert alices.post(URL, {"backtest_id": backtest.pk}).json["backtest_id"] == backtest.pk
    assert alices.post(URL, {"candidate_id": row.pk}).status == 201
    assert set(LiveStrategy.objects.values_list("backtest", "candidate")) == {(backtest.pk, None), (None, row.pk)}


def test_the_same_key_deploys_once_and_the_same_deployment_is_409(alices: ApiClient, strategy: Strategy) -> None:
    body = {"strategy_id": strategy.pk}
    first = alices.post(URL, body, Idempotency_Key="press")
    again = alices.post(URL, body, Idempotency_Key="press")
    assert (first.status, again.status, again.json["id"]) == (201, 201, first.json["id"])
    refused = alices.post(URL, body)
    assert (refused.status, refused.json["live_strategy_id"]) == (409, first.json["id"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"strategy_id": None}, "strategy_id"),
        ({"backtest_id": 1}, "strategy_id"),
        ({"strategy_id": True}, "strategy_id"),
        ({"strategy_id": 1.5}, "strategy_id"),
        ({"strategy_id": "1.5"}, "strategy_id"),
        ({"strategy_id": "-1"}, "strategy_id"),
        ({"strategy_id": "9" * 17}, "strategy_id"),
        ({"strategy_id": 2**53 + 1}, "strategy_id"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\u200bb"}, "name"),
        ({"symbols": []}, "symbols"),
        ({"symbols": [""]}, "symbols.0"),
        ({"symbols": ["AAPL"] * 51}, "symbols"),
        ({"symbols": ["NOBARS"]}, "symbols"),
        ({"check_interval": 59}, "check_interval"),
        ({"check_interval": 60.5}, "check_interval"),
        ({"auto_execute": 1}, "auto_execute"),
        ({"max_positions": 21}, "max_positions"),
        ({"position_size_pct": 0.51}, "position_size_pct"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(
    alices: ApiClient, strategy: Strategy, changes: dict[str, Any], field: str
) -> None:
    response = alices.post(URL, {"strategy_id": strategy.pk, **changes})
    assert list(field_messages(response)) == [field]
    assert not LiveStrategy.objects.exists()


@pytest.mark.parametrize("name", ["strategy_id", "backtest_id", "candidate_id"])
def test_what_belongs_to_another_user_is_404(bobs: ApiClient, alice: User, strategy: Strategy, name: str) -> None:
    rows = {
        "strategy_id": strategy.pk,
        "backtest_id": make_backtest(user=alice).pk,
        "candidate_id": make_candidate(user=alice).pk,
    }
    assert bobs.post(URL, {name: rows[name]}).status == 404
    assert not LiveStrategy.objects.exists()


# --- Edit ------------------------------------------------------------------------------------------------------


def test_an_edit_changes_what_it_names_and_nothing_else(alices: ApiClient, live: LiveStrategy) -> None:
    LiveStrategy.objects.update(fractional=True, max_positions=7)
    body = {"name": "Other", "check_interval": 60, "auto_execute": False, "stop_loss_pct": 0.2}
    response = alices.send("PUT", f"{URL}/{live.pk}", body)
    assert response.status == 200
    limits = response.json["limits"]
    assert (response.json["name"], limits["check_interval"], limits["auto_execute"]) == ("Other", 60, False)
    assert (limits["stop_loss_pct"], limits["max_positions"], limits["fractional"]) == (0.2, 7, True)
    assert AuditRecord.objects.get().details["after"] == body


def test_null_switches_a_rule_off_that_can_be_off_and_leaves_any_other(
    alices: ApiClient, live: LiveStrategy
) -> None:
    before = live.risk_rules().as_dict()
    body = dict.fromkeys([*DEPLOYED_RULES, "name", "check_interval", "auto_execute"])
    body |= {"fractional": False}
    assert alices.send("PUT", f"{URL}/{live.pk}", body).status == 200
    live.refresh_from_db()
    after = live.risk_rules().as_dict()
    for name, rule in DEPLOYED_RULES.items():
        assert after[name] == (None if rule.optional else before[name]), name
    assert live.name == "Mine"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"max_positions": 21}, "max_positions"),
        ({"check_interval": 3601}, "check_interval"),
        ({"kind": "macd"}, "kind"),
        ({"parameters": {"fast": 5}}, "parameters"),
        ({"symbols": ["IBM"]}, "symbols"),
        ({"timeframe": "1Hour"}, "timeframe"),
        ({"trailing_stop_pct": 0.1, "trailing_stop_atr": 2}, "trailing_stop_atr"),
        ({"status": "stopped"}, "status"),
    ],
)
def test_a_refused_edit_writes_nothing(
    alices: ApiClient, live: LiveStrategy, changes: dict[str, Any], field: str
) -> None:
    before = LiveStrategy.objects.values().get()
    response = alices.send("PUT", f"{URL}/{live.pk}", {"auto_execute": False, **changes})
    assert list(field_messages(response)) == [field]
    assert LiveStrategy.objects.values().get() == before


# --- New version -----------------------------------------------------------------------------------------------


def test_a_new_version_takes_over_and_the_old_one_is_stopped(alices: ApiClient, live: LiveStrategy) -> None:
    for symbol in ("AAPL", "MSFT"):
        make_stop(trade=make_paper_trade(user=live.user, live_strategy=live, symbol=symbol))
    body = {"parameters": {"fast": 5}, "symbols": ["AAPL"], "max_positions": 2, "hand_over": True}
    response = alices.post(f"{URL}/{live.pk}/new-version", body)
    assert response.status == 201
    assert (response.json["previous_version_id"], response.json["parameters"]["fast"]) == (live.pk, 5)
    assert (response.json["handed_over"], response.json["left"]) == (["AAPL"], ["MSFT"])
    assert alices.get(f"{URL}/{live.pk}").json["status"] == "stopped"
    assert PaperTrade.objects.get(symbol="AAPL").live_strategy_id == response.json["id"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"parameters": {"fast": 0}}, "parameters.fast"),
        ({"parameters": {"fast": [1]}}, "parameters.fast"),
        ({"symbols": ["NOBARS"]}, "symbols"),
        ({"kind": "macd"}, "kind"),
        ({"timeframe": "1Hour"}, "timeframe"),
        ({"name": "x" * 101}, "name"),
        ({"hand_over": "yes"}, "hand_over"),
    ],
)
def test_a_refused_version_leaves_the_old_one_as_it_is(
    alices: ApiClient, live: LiveStrategy, changes: dict[str, Any], field: str
) -> None:
    response = alices.post(f"{URL}/{live.pk}/new-version", {"parameters": {"fast": 5}, **changes})
    assert list(field_messages(response)) == [field]
    assert LiveStrategy.objects.get().status == "active"


# --- Delete ----------------------------------------------------------------------------------------------------


def test_a_deleted_one_is_gone_and_its_history_stays(alices: ApiClient, live: LiveStrategy) -> None:
    make_signal(live_strategy=live)
    assert alices.send("DELETE", f"{URL}/{live.pk}").status == 204
    assert alices.get(f"{URL}/{live.pk}").status == 404
    assert alices.get(URL).json["count"] == 0
    (signal,) = alices.get("/api/v1/live-trading/signals/recent").json["items"]
    assert signal["live_strategy_name"] == "Mine"
    assert alices.send("DELETE", f"{URL}/{live.pk}").status == 404


def test_one_that_holds_something_is_409(alices: ApiClient, live: LiveStrategy) -> None:
    lot = make_paper_trade(user=live.user, live_strategy=live)
    refused = alices.send("DELETE", f"{URL}/{live.pk}")
    assert (refused.status, "1 open position" in refused.json["detail"]) == (409, True)
    PaperTrade.objects.all().delete()
    make_order(user=live.user, live_strategy=live)
    assert "1 working order" in alices.send("DELETE", f"{URL}/{live.pk}").json["detail"]
    assert lot.live_strategy == LiveStrategy.objects.get()


# --- Status ----------------------------------------------------------------------------------------------------


def test_the_status_says_what_is_held_and_what_is_wrong(alices: ApiClient, live: LiveStrategy) -> None:
    make_stop(trade=make_paper_trade(user=live.user, live_strategy=live))
    make_signal(live_strategy=live)
    LiveStrategy.objects.update(failures=2, last_error="The bars are damaged.")
    status = alices.get(f"{URL}/{live.pk}/status").json
    assert (status["id"], status["state"], status["failures"]) == (live.pk, "active", 2)
    assert (status["degraded"], status["errors"]) == ("The bars are damaged.", ["The bars are damaged."])
    assert status["next_check_at"] is not None
    assert [(each["symbol"], each["shares"]) for each in status["positions"]] == [("AAPL", 10)]
    assert (status["counters"]["signals"], status["counters"]["open_positions"]) == (1, 1)
    assert status["pnl"]["total"] == status["pnl"]["unrealized"] != 0


@pytest.mark.parametrize(
    ("state", "checked"), [("active", True), ("paused", True), ("error", False), ("stopped", False)]
)
def test_only_what_is_checked_has_a_next_check(
    alices: ApiClient, live: LiveStrategy, state: str, checked: bool
) -> None:
    LiveStrategy.objects.update(status=state)
    status = alices.get(f"{URL}/{live.pk}/status").json
    assert (status["state"], status["next_check_at"] is not None) == (state, checked)
