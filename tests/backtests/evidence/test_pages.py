"""The evidence as a reader sees it: the page, the scorecard while it is gathered, and the marks beside the button."""

from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from kombu.exceptions import OperationalError

from backtests.models import Backtest, Candidate, Evidence
from backtests.services import run_backtest
from backtests.services.evidence import compute_for_backtest, compute_for_candidate
from strategies.models import Strategy
from strategies.services import save_strategy
from tests.backtests.pages import HTMX, text_of
from tests.backtests.runs import Clock, Make, Published
from tradedesk.accounts.models import User

ENQUEUE = "backtests.services.evidence.enqueue_candidate_evidence"


def page_of(subject: Backtest | Candidate) -> str:
    noun = "backtest" if isinstance(subject, Backtest) else "candidate"
    return reverse(f"backtests:{noun}_evidence", args=[subject.pk])


def again(subject: Backtest | Candidate) -> str:
    return f"{page_of(subject)}/again"


def test_the_page_explains_every_line(examined: Backtest, alices_browser: Client) -> None:
    answer = alices_browser.get(page_of(examined))
    words = text_of(answer)
    for label in ("Luck", "Out of sample", "Walk-forward", "Overfitting", "Neighbours", "Money at risk", "Costs"):
        assert label in words
    for source in (
        "Deflated Sharpe Ratio (2014)",
        "Pardo (2008)",
        "Zhu (2017)",
        "Efron, Bootstrap Methods (1979)",
    ):
        assert source in words
    assert f"{Evidence.objects.get().report['overfitting']['splits']:,} of the 12,870 possible ways" in words
    assert "drawn again 10,000 times" in words
    assert "One dollar out of sample" in words
    assert answer.content.decode().count('class="evidence-plot"') == 4
    assert "Deploy to Live" in words


def test_money_is_in_the_readers_dollars_at_both_sizes(examined: Backtest, alices_browser: Client) -> None:
    found = Evidence.objects.get().report["monte_carlo"]
    words = text_of(alices_browser.get(page_of(examined)))
    equity = 100_000  # a paper account begins with it
    assert "$100,000.00" in words
    assert f"-${found['drawdown'] * equity:,.2f}" in words
    # The backtest took up to 47.5% of the equity a position, in whole shares; a quick deploy takes 2%.
    assert 0.4 < found["size"] < 0.48
    assert f"-${found['drawdown'] * equity * 0.02 / found['size']:,.2f}" in words


def test_a_deployment_that_is_larger_than_the_backtest_loses_more(
    examined: Backtest, alices_browser: Client
) -> None:
    own = Evidence.objects.get()
    own.report["monte_carlo"] |= {"drawdown": 0.05, "size": 0.01}
    own.save()
    assert "-$10,000.00" in text_of(alices_browser.get(page_of(examined)))
    own.report["monte_carlo"] |= {"drawdown": 0.8}
    own.save()
    words = text_of(alices_browser.get(page_of(examined)))
    assert "-$100,000.00" in words  # and never more than there is
    assert "-$160,000.00" not in words


def test_a_kind_without_parameters_has_a_page(
    alice: User, samples: list[str], make: Make, clock: Clock, alices_browser: Client
) -> None:
    held = save_strategy(
        alice, name="Hold", kind="buy_and_hold", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    backtest = make(strategy=held)
    run_backtest(backtest.pk, clock)
    compute_for_backtest(backtest.pk, clock)
    words = text_of(alices_browser.get(page_of(backtest)))
    assert "Nothing to search." in words
    assert "No parameters to move." in words


def test_while_it_is_gathered_the_panel_asks_again(completed: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(page_of(completed))
    assert "Being gathered" in text_of(page)
    assert 'hx-trigger="every 2s, sse:changed"' in page.content.decode()
    part = alices_browser.get(page_of(completed), headers=HTMX)
    assert part.content.decode().strip().startswith("<section")


def test_its_own_page_is_loaded_anew_once_it_is_there(examined: Backtest, alices_browser: Client) -> None:
    address = f"http://testserver{page_of(examined)}#luck"
    on_its_page = alices_browser.get(page_of(examined), headers=HTMX | {"HX-Current-URL": address})
    assert on_its_page["HX-Refresh"] == "true"
    elsewhere = alices_browser.get(page_of(examined), headers=HTMX | {"HX-Current-URL": "http://testserver/x"})
    assert elsewhere.status_code == 286
    assert "HX-Refresh" not in elsewhere
    assert 'hx-trigger="every' not in elsewhere.content.decode()


def test_the_marks_beside_a_button_ask_again_until_they_are_there(
    completed: Backtest, strategy: Strategy, clock: Clock, alices_browser: Client
) -> None:
    page = alices_browser.get(reverse("strategies:detail", args=[strategy.pk])).content.decode()
    address = f"{page_of(completed)}?beside=1"
    assert f'hx-get="{address}" hx-trigger="every 2s, sse:changed"' in page
    waiting = alices_browser.get(address, headers=HTMX)
    assert (waiting.status_code, "not yet" in text_of(waiting)) == (200, True)
    compute_for_backtest(completed.pk, clock)
    there = alices_browser.get(address, headers=HTMX)
    assert there.status_code == 286
    assert "a single try" in text_of(there)
    assert "hx-get" not in there.content.decode()


def test_the_panel_of_a_row_asks_again_until_it_is_there(
    candidate: Candidate, clock: Clock, alices_browser: Client
) -> None:
    elsewhere = HTMX | {"HX-Current-URL": "http://testserver/x"}
    assert f'hx-get="{page_of(candidate)}"' in alices_browser.get(page_of(candidate)).content.decode()
    assert alices_browser.get(page_of(candidate), headers=elsewhere).status_code == 200
    compute_for_candidate(candidate.pk, clock)
    assert alices_browser.get(page_of(candidate), headers=elsewhere).status_code == 286


@pytest.mark.parametrize("noun", ["backtest", "candidate"])
def test_what_failed_is_tried_again_at_a_press_and_only_then(
    noun: str,
    completed: Backtest,
    candidate: Candidate,
    clock: Clock,
    alices_browser: Client,
    bobs_browser: Client,
    published: Published,
    django_capture_on_commit_callbacks: Any,
) -> None:
    subject: Any = completed if noun == "backtest" else candidate
    gather = compute_for_backtest if noun == "backtest" else compute_for_candidate
    with patch("backtests.services.evidence.build_report", side_effect=ZeroDivisionError("by zero")):
        gather(subject.pk, clock)
    page = alices_browser.get(page_of(subject))
    assert "Try again" in text_of(page)
    assert f'action="{again(subject)}"' in page.content.decode()
    assert "hx-trigger=" not in page.content.decode().partition('id="evidence-')[2].partition("</section>")[0]
    assert Evidence.objects.exclude(error="").count() == 1
    assert bobs_browser.post(again(subject)).status_code == 404
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            assert alices_browser.post(again(subject)).headers["Location"] == page_of(subject)
    assert published == [(f"backtests.tasks.compute_{noun}_evidence", (subject.pk,))]
    gather(subject.pk, clock)
    with django_capture_on_commit_callbacks(execute=True):
        alices_browser.post(again(subject))
    assert len(published) == 1
    assert Evidence.objects.get(**{noun: subject}).error == ""


def test_a_row_nobody_has_looked_at_does_not_say_that_it_is_on_its_way(
    candidate: Candidate, alices_browser: Client
) -> None:
    page = alices_browser.get(reverse("backtests:optimizer_run", args=[candidate.run_id]))
    assert "not yet" in text_of(page)
    assert "pending" not in text_of(page)


def test_what_went_wrong_stands_on_the_page(completed: Backtest, clock: Clock, alices_browser: Client) -> None:
    with patch("backtests.services.evidence.build_report", side_effect=ZeroDivisionError("by zero")):
        compute_for_backtest(completed.pk, clock)
    assert "The desk made an error" in text_of(alices_browser.get(page_of(completed)))


def test_a_row_of_an_optimizer_has_a_page_even_without_a_queue(
    candidate: Candidate, alices_browser: Client
) -> None:
    with patch(ENQUEUE, side_effect=OperationalError("down")):
        assert "Being gathered" in text_of(alices_browser.get(page_of(candidate)))


def test_a_row_tells_what_the_search_did_not_see(
    candidate: Candidate, clock: Clock, alices_browser: Client
) -> None:
    compute_for_candidate(candidate.pk, clock)
    words = text_of(alices_browser.get(page_of(candidate)))
    assert "The search saw the first part alone." in words
    assert "its search did not see the last part" in words
    assert "26 tries on this symbol and period" in words


@pytest.mark.parametrize("address", ["list", "detail"])
def test_the_strategys_button_shows_its_latest_evidence(
    address: str, examined: Backtest, strategy: Strategy, alices_browser: Client
) -> None:
    url = reverse(f"strategies:{address}", args=[strategy.pk] if address == "detail" else [])
    page = alices_browser.get(url)
    assert page_of(examined) in page.content.decode()
    assert "a single try" in text_of(page)


def test_a_strategys_own_page_has_every_line(
    examined: Backtest, strategy: Strategy, alices_browser: Client
) -> None:
    page = alices_browser.get(reverse("strategies:detail", args=[strategy.pk])).content.decode()
    assert page.count('class="evidence-label"') == 9


def test_evidence_of_other_parameters_is_not_this_strategys(
    examined: Backtest, strategy: Strategy, alices_browser: Client
) -> None:
    Strategy.objects.update(parameters={"fast": 5, "slow": 40})
    words = text_of(alices_browser.get(reverse("strategies:list")))
    assert "No evidence for these settings yet: run a backtest" in words


@pytest.mark.parametrize("change", [{"symbols": ["AAPL"]}, {"symbols": ["AAPL", "IBM"]}, {"timeframe": "1Hour"}])
def test_evidence_of_another_market_is_not_this_strategys(
    change: dict[str, Any], examined: Backtest, alices_browser: Client
) -> None:
    Strategy.objects.update(**change)
    assert "No evidence for these settings yet: run a backtest" in text_of(
        alices_browser.get(reverse("strategies:list"))
    )


def test_a_later_backtest_of_something_else_does_not_hide_the_evidence(
    examined: Backtest, strategy: Strategy, make: Make, clock: Clock, alices_browser: Client
) -> None:
    other = make(symbols=["IBM"])
    run_backtest(other.pk, clock)
    Strategy.objects.update(symbols=["MSFT", "AAPL"])
    page = alices_browser.get(reverse("strategies:list")).content.decode()
    assert page_of(examined) in page
    assert page_of(other) not in page


def test_no_mark_is_a_colour_alone(examined: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(reverse("backtests:detail", args=[examined.pk])).content.decode()
    marks = page.count('class="evidence-label"')
    words = sum(
        page.count(f'<span class="sr-only">{word}:</span>') for word in ("green", "amber", "red", "not known")
    )
    assert marks == words == 9


def test_the_cards_cost_the_same_however_many(
    examined: Backtest, strategy: Strategy, alice: User, make: Make, clock: Clock, alices_browser: Client
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            alices_browser.get(reverse("strategies:list"))
        return len(captured)

    few = queries()
    for number in range(3):
        other = save_strategy(
            alice,
            name=f"Other {number}",
            kind="sma_crossover",
            parameters={"fast": 5 + number, "slow": 50},
            symbols=["AAPL"],
            timeframe="1Day",
        )
        run_backtest(make(strategy=other).pk, clock)
    assert queries() == few


@pytest.mark.parametrize("noun", ["backtest", "candidate"])
def test_evidence_is_its_owners_alone(
    noun: str,
    examined: Backtest,
    candidate: Candidate,
    alices_browser: Client,
    bobs_browser: Client,
    charlies_browser: Client,
) -> None:
    subject: Any = examined if noun == "backtest" else candidate
    assert alices_browser.get(page_of(subject)).status_code == 200
    assert bobs_browser.get(page_of(subject)).status_code == 404
    assert bobs_browser.get(page_of(subject), headers=HTMX).status_code == 404
    assert charlies_browser.get(page_of(subject)).status_code == 302


def test_a_backtest_that_has_not_completed_has_no_page(make: Make, alices_browser: Client) -> None:
    assert alices_browser.get(page_of(make())).status_code == 404
