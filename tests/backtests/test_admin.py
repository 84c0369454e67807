"""Backtests in the admin: to find and to read."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from backtests.models import Backtest, Evidence, OptimizerRun, TrialRegistry
from tests.backtests.runs import NOW
from tests.livetrading.factories import make_candidate
from tradedesk.accounts.models import User, UserVersion

LIST = "admin:backtests_backtest_changelist"


@pytest.fixture
def administrator(alice: User, alices_browser: Client) -> Client:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    return alices_browser


def test_an_administrator_finds_a_backtest_by_its_owner(completed: Backtest, administrator: Client) -> None:
    shown = administrator.get(reverse(LIST), {"q": "alice@"}).content.decode()
    assert str(completed) in shown
    assert str(completed) not in administrator.get(reverse(LIST), {"q": "bob@"}).content.decode()


def test_an_administrator_reads_and_changes_nothing(completed: Backtest, administrator: Client) -> None:
    url = reverse("admin:backtests_backtest_change", args=[completed.pk])
    assert completed.provenance["kind_code"] in administrator.get(url).content.decode()
    assert administrator.post(url, {"status": "failed"}).status_code == 403
    assert administrator.get(reverse("admin:backtests_backtest_add")).status_code == 403
    assert not LogEntry.objects.exists()


def test_an_administrator_reads_runs_evidence_and_trials(completed: Backtest, administrator: Client) -> None:
    Evidence.objects.update_or_create(backtest=completed, defaults={"computed_at": NOW, "report": {"sharpe": 1}})
    make_candidate(user=completed.user)
    for model, query in ((OptimizerRun, "alice"), (Evidence, "Golden"), (TrialRegistry, "alice")):
        row = model._default_manager.first()
        assert row is not None
        name = f"admin:backtests_{model._meta.model_name}"
        url = reverse(f"{name}_change", args=[row.pk])
        listed, other = (
            administrator.get(reverse(f"{name}_changelist"), {"q": text}).content.decode()
            for text in (query, "nothing of that name")
        )
        assert f'"{url}' in listed
        assert f'"{url}' not in other
        assert administrator.get(url).status_code == 200
        assert administrator.post(url, {}).status_code == 403
        assert administrator.get(reverse(f"{name}_add")).status_code == 403


def test_the_trial_registry_is_deleted_only_with_its_user(
    completed: Backtest, bob: User, administrator: Client
) -> None:
    row = TrialRegistry.objects.filter(user=completed.user).first()
    assert row is not None
    refused = administrator.post(reverse("admin:backtests_trialregistry_delete", args=[row.pk]), {"post": "yes"})
    assert refused.status_code == 403
    TrialRegistry.objects.update(user=bob)
    administrator.post(reverse("admin:accounts_user_delete", args=[bob.pk]), {"post": "yes"})
    assert not User.objects.filter(pk=bob.pk).exists()
    assert not TrialRegistry.objects.exists()


def test_deleting_a_backtest_refreshes_the_pages_of_its_user(
    completed: Backtest, alice: User, administrator: Client
) -> None:
    before = UserVersion.objects.get(user=alice).number
    administrator.post(reverse("admin:backtests_backtest_delete", args=[completed.pk]), {"post": "yes"})
    assert not Backtest.objects.exists()
    assert UserVersion.objects.get(user=alice).number == before + 1


def test_a_trader_has_no_access(completed: Backtest, bobs_browser: Client) -> None:
    assert bobs_browser.get(reverse(LIST)).status_code == 302
