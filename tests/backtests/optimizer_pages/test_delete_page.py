"""Deleting an optimizer run from its page: asked for, and then done."""

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


def test_it_is_asked_for_and_then_done(queue_search: MakeRun, alices_browser: Client) -> None:
    run, kept = queue_search(), queue_search()
    url = url_of(run)
    assert f'href="{url}"' in alices_browser.get(f"{LIST}/{run.pk}").content.decode()
    asked = text_of(alices_browser.get(url))
    for words in (
        "Delete this run?",
        "Search of Golden cross AAPL, MSFT 2005-01-03 to 2010-12-31 Queued",
        "The ledger of tries goes on counting it",
    ):
        assert words in asked
    assert OptimizerRun.objects.count() == 2
    done = alices_browser.post(url, follow=True)
    assert done.redirect_chain == [(LIST, 302)]
    assert "Search of Golden cross is deleted." in text_of(done)
    assert OptimizerRun.objects.get() == kept


def test_a_ranking_is_called_one(queue_ranking: MakeRun, alices_browser: Client) -> None:
    run = queue_ranking()
    assert "Ranking AAPL 2005-01-03 to 2010-12-31 Queued" in text_of(alices_browser.get(url_of(run)))
    assert "Ranking is deleted." in text_of(alices_browser.post(url_of(run), follow=True))


def test_it_names_what_was_deployed_and_still_trades(
    searched: OptimizerRun, alice: User, alices_browser: Client
) -> None:
    row = Candidate.objects.filter(run=searched)[0]
    make_live_strategy(user=alice, candidate=row, name="Live - Turtle", status="paused")
    make_live_strategy(user=alice, candidate=row, name="Live - Ended", status="stopped")
    asked = text_of(alices_browser.get(url_of(searched)))
    assert "Live - Turtle was deployed from it: that has its own copy of the rules and goes on." in asked
    assert "Live - Ended" not in asked


def test_it_is_its_owners_alone(queue_search: MakeRun, bobs_browser: Client, charlies_browser: Client) -> None:
    run = queue_search()
    assert bobs_browser.post(url_of(run)).status_code == 404
    assert charlies_browser.post(url_of(run)).status_code == 302
    assert OptimizerRun.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_other_method_deletes(queue_search: MakeRun, alices_browser: Client, method: str) -> None:
    run = queue_search()
    assert getattr(alices_browser, method)(url_of(run)).status_code == 405
    assert OptimizerRun.objects.exists()


def test_a_deletion_needs_the_forms_token(queue_search: MakeRun, alices_browser: Client) -> None:
    run, strict = queue_search(), Client(enforce_csrf_checks=True)
    strict.cookies = alices_browser.cookies
    assert strict.post(url_of(run)).status_code == 403
    assert OptimizerRun.objects.exists()
