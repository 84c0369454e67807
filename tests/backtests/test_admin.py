"""Backtests in the administration: to find and to read."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from backtests.models import Backtest
from tradedesk.accounts.models import User

LIST = "admin:backtests_backtest_changelist"


@pytest.fixture
def operator(alice: User, alices_browser: Client) -> Client:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    return alices_browser


def test_an_operator_finds_a_backtest_by_its_owner(completed: Backtest, operator: Client) -> None:
    shown = operator.get(reverse(LIST), {"q": "alice@"}).content.decode()
    assert str(completed) in shown
    assert str(completed) not in operator.get(reverse(LIST), {"q": "bob@"}).content.decode()


def test_an_operator_reads_and_changes_nothing(completed: Backtest, operator: Client) -> None:
    url = reverse("admin:backtests_backtest_change", args=[completed.pk])
    assert completed.provenance["kind_code"] in operator.get(url).content.decode()
    assert operator.post(url, {"status": "failed"}).status_code == 403
    assert operator.get(reverse("admin:backtests_backtest_add")).status_code == 403
    assert not LogEntry.objects.exists()


def test_a_trader_does_not_get_in(completed: Backtest, bobs_browser: Client) -> None:
    assert bobs_browser.get(reverse(LIST)).status_code == 302
