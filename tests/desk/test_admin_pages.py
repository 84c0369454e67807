"""Every page of the admin, also those of other packages: it opens, and a list has constant queries."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from livetrading.models import BrokerAccount
from tests.desk.made_rows import make_row
from tradedesk.accounts.models import ApiToken, User
from tradedesk.notifications.models import Channel

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def name_of(model: type[models.Model], page: str) -> str:
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_page_opens_and_a_list_has_constant_queries(admin_client: Client, model: type[models.Model]) -> None:
    row = make_row(model)
    url, counts = reverse(name_of(model, "changelist")), []
    admin_client.get(url)  # the session, the content types
    for more in (0, 4):
        for _ in range(more):
            make_row(model)
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert admin_client.get(url, {"q": "nothing-of-that-name"}).status_code == 200
    assert admin_client.get(reverse(name_of(model, "add"))).status_code in (200, 403)
    assert admin_client.get(reverse(name_of(model, "change"), args=[row.pk])).status_code == 200


def test_secrets_are_on_no_page(admin_client: Client, alice: User) -> None:
    planted = "planted-secret"
    alice.password = planted
    alice.save()
    for model, fields in {
        Authenticator: {"user": alice, "data": {"secret": planted}},
        UserSession: {
            "user": alice,
            "session_key": planted,
            "data": {"a": planted},
        },
        BrokerAccount: {"user": alice, "credentials": planted},
        Channel: {"user": alice, "address": planted, "signing_key": planted},
    }.items():
        row = make_row(model, **fields)
        for page, args in (("changelist", []), ("change", [row.pk])):
            text = admin_client.get(reverse(name_of(model, page), args=args)).content.decode()
            assert planted not in text, (model, page)
    assert planted not in admin_client.get(reverse(name_of(User, "change"), args=[alice.pk])).content.decode()
    for model in (ApiToken, Session):
        assert not admin.site.is_registered(model)


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (UserSession, "session_key__startswith"),
        (BrokerAccount, "number__startswith"),
        (BrokerAccount, "user__password__startswith"),
        (Authenticator, "data__contains"),
    ],
)
def test_no_filter_asks_for_a_secret(admin_client: Client, model: type[models.Model], lookup: str) -> None:
    """One letter after the other, it would tell all of it."""
    url = reverse(name_of(model, "changelist"))
    assert admin_client.get(url, {lookup: "a"}).status_code == 400
