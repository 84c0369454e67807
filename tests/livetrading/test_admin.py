"""The admin of live trading is read-only."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from livetrading import models
from livetrading.models import BrokerAccount, LiveStrategy
from tests.livetrading.factories import account_of, make_desk_rows, make_incident, make_live_strategy
from tradedesk.accounts.models import User

RECORDS: list[Any] = [
    models.BrokerAccount,
    models.ConnectionTest,
    models.AccountActivity,
    models.Halt,
    models.Incident,
    models.LiveStrategy,
    models.SignalHistory,
    models.BarDecision,
    models.Order,
    models.Fill,
    models.PaperTrade,
    models.Promotion,
    models.LiveTrade,
    models.PaperPosition,
    models.LivePosition,
    models.PaperAccount,
    models.PaperOrder,
    models.PaperFill,
]


@pytest.fixture
def administrator(db: None) -> Client:
    browser = Client()
    user = User.objects.create_superuser("administrator@example.com", "x")
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


@pytest.mark.parametrize("model", RECORDS)
def test_every_list_can_be_searched(administrator: Client, alice: User, model: Any) -> None:
    make_desk_rows(alice, 2)
    make_incident(account=account_of(alice))
    url = reverse(f"admin:{model._meta.db_table}_changelist")
    assert administrator.get(url).status_code == 200
    assert administrator.get(url, {"q": "alice"}).status_code == 200


@pytest.mark.parametrize("model", RECORDS)
def test_nothing_can_be_added(administrator: Client, model: Any) -> None:
    assert administrator.get(reverse(f"admin:{model._meta.db_table}_add")).status_code == 403


def test_nothing_can_be_changed_or_deleted(administrator: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Unchanged")
    change = reverse("admin:livetrading_livestrategy_change", args=[live.pk])
    assert "Unchanged" in administrator.get(change).content.decode()
    assert administrator.post(change, {"name": "Changed"}).status_code == 403
    delete = reverse("admin:livetrading_livestrategy_delete", args=[live.pk])
    assert administrator.post(delete, {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [live.pk], "post": "yes"}
    administrator.post(reverse("admin:livetrading_livestrategy_changelist"), action)
    assert LiveStrategy.objects.get().name == "Unchanged"


def test_the_credentials_of_an_account_are_not_shown(administrator: Client, alice: User) -> None:
    account = account_of(alice, "live")
    BrokerAccount.objects.update(credentials="encrypted-secret")
    page = administrator.get(reverse("admin:livetrading_brokeraccount_change", args=[account.pk])).content.decode()
    assert account.name in page
    assert "encrypted-secret" not in page


def test_every_record_refuses_every_change() -> None:
    for model in RECORDS:
        own = admin.site._registry[model]
        request: Any = None
        assert not own.has_add_permission(request)
        assert not own.has_change_permission(request)
        assert not own.has_delete_permission(request)


def test_a_trader_has_no_access(alices_browser: Client) -> None:
    assert alices_browser.get(reverse("admin:livetrading_order_changelist")).status_code == 302
