"""Account rules over the API."""

from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import AccountRule, BrokerAccount
from tests.api.client import ApiClient
from tests.livetrading.factories import NOW, account_of, make_paper_trade
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.models import AuditRecord

RULES = "/api/v1/live-trading/risk-rules"

pytestmark = pytest.mark.usefixtures("market")


@pytest.fixture
def account(alice: User) -> BrokerAccount:
    return account_of(alice)


def make_rule(
    account: BrokerAccount, kind: str = "order_value", limit: float | None = 500, **values: Any
) -> AccountRule:
    number = None if limit is None else Decimal(str(limit))
    return AccountRule.objects.create(account=account, kind=kind, limit=number, **values)


def test_a_rule_with_its_reading(alices: ApiClient, alice: User, account: BrokerAccount) -> None:
    rule = make_rule(account, "open_positions", 10, blocked_count=2, last_blocked_at=NOW, last_blocked_reason="No")
    make_paper_trade(user=alice)
    expected = {
        "id": rule.pk,
        "kind": "open_positions",
        "label": "Max open positions",
        "unit": "count",
        "limit": 10,
        "symbols": [],
        "window_start": None,
        "window_end": None,
        "positions": "keep",
        "enabled": True,
        "position": 0,
        "reading": 1,
        "blocked_count": 2,
        "last_blocked_at": "2010-03-08T21:00:00Z",
        "last_blocked_reason": "No",
        "tripped_at": None,
        "tripped_reason": None,
    }
    assert alices.get(f"{RULES}/{rule.pk}").json == expected
    assert alices.get(RULES).json == {"items": [expected], "count": 1}


def test_a_rule_is_added_changed_moved_and_deleted(alices: ApiClient, account: BrokerAccount) -> None:
    make_rule(account, "min_price", 1)
    added = alices.post(RULES, {"kind": "max_drawdown_pct", "limit": 0.2, "positions": "flatten"})
    assert added.status == 201
    assert (added.json["limit"], added.json["positions"], added.json["position"]) == (0.2, "flatten", 1)
    address = f"{RULES}/{added.json['id']}"
    changed = alices.send("PUT", address, {"limit": 0.3, "enabled": False, "position": 0})
    assert changed.status == 200
    assert {name: changed.json[name] for name in ("limit", "positions", "enabled", "position")} == {
        "limit": 0.3,
        "positions": "keep",
        "enabled": False,
        "position": 0,
    }
    assert [item["kind"] for item in alices.get(RULES).json["items"]] == ["max_drawdown_pct", "min_price"]
    deleted = alices.send("DELETE", address)
    assert (deleted.status, deleted.json) == (204, None)
    assert alices.get(address).status == 404
    actions = list(AuditRecord.objects.order_by("sequence").values_list("action", flat=True))
    assert actions == ["rule_added", "rule_changed", "rule_moved", "rule_deleted"]


def test_lists_and_windows(alices: ApiClient, account: BrokerAccount) -> None:
    symbols = alices.post(RULES, {"kind": "blocked_symbols", "symbols": ["gme", "TSLA", "GME"]})
    assert (symbols.status, symbols.json["symbols"], symbols.json["limit"]) == (201, ["GME", "TSLA"], None)
    window = alices.post(RULES, {"kind": "trading_window", "window_start": "09:30", "window_end": "16:30"})
    assert (window.json["window_start"], window.json["window_end"]) == ("09:30:00", "16:30:00")


def test_the_first_rule_opens_the_paper_account(alices: ApiClient, alice: User) -> None:
    assert alices.get(RULES).json == {"items": [], "count": 0}
    assert alices.post(RULES, {"kind": "order_value", "limit": 900}).status == 201
    assert alices.get(RULES).json["count"] > 1


def test_in_live_mode_there_is_no_account(alices: ApiClient, alice: User) -> None:
    User.objects.update(mode=Mode.LIVE)
    assert alices.post(RULES, {"kind": "order_value", "limit": 900}).status == 409
    assert alices.get(RULES).json["count"] == 0


def test_each_kind_once(alices: ApiClient, account: BrokerAccount) -> None:
    make_rule(account)
    response = alices.post(RULES, {"kind": "order_value", "limit": 900})
    assert response.status == 409
    assert "already" in response.json["detail"]
    assert account.rules.get().limit == 500


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": "moon_phase"}, "kind"),
        ({"kind": "order_value"}, "limit"),
        ({"kind": "order_value", "limit": 0}, "limit"),
        ({"kind": "order_value", "limit": "5"}, "limit"),
        ({"kind": "order_value", "limit": 1e99}, "limit"),
        ({"kind": "open_positions", "limit": 2.5}, "limit"),
        ({"kind": "order_value", "limit": 5, "positions": "burn"}, "positions"),
        ({"kind": "order_value", "limit": 5, "enabled": "yes"}, "enabled"),
        ({"kind": "order_value", "limit": 5, "other": 1}, "other"),
        ({"kind": "blocked_symbols", "symbols": []}, "symbols"),
        ({"kind": "blocked_symbols", "symbols": [""]}, "symbols"),
        ({"kind": "blocked_symbols", "symbols": ["A"] * 201}, "symbols"),
        ({"kind": "trading_window", "window_start": "09:30"}, "window_start"),
        ({"kind": "trading_window", "window_start": "9h30", "window_end": "16:00"}, "window_start"),
        ({"kind": "trading_window", "window_start": "09:30", "window_end": "09:30"}, "window_end"),
    ],
)
def test_a_bad_body_is_422_at_its_field(
    alices: ApiClient, account: BrokerAccount, body: dict[str, Any], field: str
) -> None:
    response = alices.post(RULES, body)
    assert response.status == 422
    assert [problem["field"] for problem in response.json["detail"]] == [field]
    assert not AccountRule.objects.exists()


def test_a_kind_is_never_changed(alices: ApiClient, account: BrokerAccount) -> None:
    rule = make_rule(account)
    response = alices.send("PUT", f"{RULES}/{rule.pk}", {"kind": "min_price", "limit": 1})
    assert response.status == 422
    rule.refresh_from_db()
    assert (rule.kind, rule.limit) == ("order_value", 500)
