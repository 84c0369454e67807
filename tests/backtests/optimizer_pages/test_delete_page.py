"""Deleting an optimizer run: confirmation, deletion, ownership."""

import pytest
from django.test import Client

from backtests.models import Candidate, OptimizerRun
from tests.backtests.pages import text_of
from tests.backtests.searches import MakeRun
from tests.livetrading.factories import make_live_strategy
from tradedesk.accounts.models import User

LIST = "/dashboard/optimizer"


def url_of(run: OptimizerRun) -> str:
    return f"{LIST}/{run.pk}/delete"


def test_it_asks_for_confirmation_and_then_deletes(queue_search: MakeRun, alices_browser: Client) -> None:
    run, kept = queue_search(), queue_search()
    url = url_of(run)
    assert f'href="{url}"' in alices_browser.get(f"{LIST}/{run.pk}").content.decode()
    question = text_of(alices_browser.get(url))
    assert "Search of Golden cross AAPL, MSFT 2005-01-03 to 2010-12-31 Queued" in question
    assert OptimizerRun.objects.count() == 2
    done = alices_browser.post(url, follow=True)
    assert done.redirect_chain == [(LIST, 302)]
    assert "Search of Golden cross deleted." in text_of(done)
    assert OptimizerRun.objects.get() == kept


def test_a_ranking_is_deleted_by_its_name(queue_ranking: MakeRun, alices_browser: Client) -> None:
    run = queue_ranking()
    assert "Ranking AAPL 2005-01-03 to 2010-12-31 Queued" in text_of(alices_browser.get(url_of(run)))
    assert "Ranking deleted." in text_of(alices_browser.post(url_of(run), follow=True))


def test_it_names_active_deployments(searched: OptimizerRun, alice: User, alices_browser: Client) -> None:
    row = Candidate.objects.filter(run=searched)[0]
    make_live_strategy(user=alice, candidate=row, name="Live - Turtle", status="paused")
    make_live_strategy(user=alice, candidate=row, name="Live - Ended", status="stopped")
    question = text_of(alices_browser.get(url_of(searched)))
    assert "Live - Turtle" in question
    assert "Live - Ended" not in question


def test_only_the_owner_can_delete_it(
    queue_search: MakeRun, bobs_browser: Client, charlies_browser: Client
) -> None:
    run = queue_search()
    assert bobs_browser.post(url_of(run)).status_code == 404
    assert charlies_browser.post(url_of(run)).status_code == 302
    assert OptimizerRun.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_other_method_deletes(queue_search: MakeRun, alices_browser: Client, method: str) -> None:
    run = queue_search()
    assert getattr(alices_browser, method)(url_of(run)).status_code == 405
    assert OptimizerRun.objects.exists()


def test_a_deletion_needs_the_csrf_token(queue_search: MakeRun, alices_browser: Client) -> None:
    run, strict = queue_search(), Client(enforce_csrf_checks=True)
    strict.cookies = alices_browser.cookies
    assert strict.post(url_of(run)).status_code == 403
    assert OptimizerRun.objects.exists()
