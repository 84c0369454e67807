"""The evidence on pages: evidence page, scorecard and summary, while it is computed and afterwards."""

import re
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from kombu.exceptions import OperationalError

from backtests.models import Backtest, Candidate, Evidence
from backtests.reports.scorecard import scorecards
from backtests.services import evidence as evidence_service
from backtests.services import run_backtest
from backtests.services.evidence import compute_for_backtest, compute_for_candidate
from strategies.models import Strategy
from strategies.services import save_strategy
from tests.backtests.pages import HTMX, facts_of, has_id, tags_of, text_in, text_of
from tests.backtests.runs import Clock, Make, Published
from tradedesk.accounts.models import User

KEYS = {
    *("chance", "against_holding", "data", "out_of_sample", "walk_forward", "overfitting", "neighbours"),
    *("monte_carlo", "costs", "trades", "checks"),
}


def page_of(subject: Backtest | Candidate) -> str:
    noun = "backtest" if isinstance(subject, Backtest) else "candidate"
    return reverse(f"backtests:{noun}_evidence", args=[subject.pk])


def retry_url(subject: Backtest | Candidate) -> str:
    return f"{page_of(subject)}/retry"


def lines_of(answer: Any) -> dict[str, str]:
    """The ratings in the scorecard of a page, by the keys of their lines."""
    scorecard = answer.content.decode().partition('class="evidence-lines"')[2].partition("</ul>")[0]
    return dict(re.findall(r'href="[^"]*#(\w+)">\s*<span class="rating rating-(\w+)"', scorecard))


def test_the_page_explains_every_line_with_its_source(with_evidence: Backtest, alices_browser: Client) -> None:
    answer = alices_browser.get(page_of(with_evidence))
    assert lines_of(answer).keys() == KEYS
    for key, source in (
        ("chance", "A Reality Check for Data Snooping (2000)"),
        ("chance", "The Deflated Sharpe Ratio (2014)"),
        ("walk_forward", "Pardo (2008)"),
        ("overfitting", "Zhu (2017)"),
        ("monte_carlo", "Efron, Bootstrap Methods (1979)"),
    ):
        assert source in text_in(answer, key)
    splits = Evidence.objects.get().report["overfitting"]["splits"]
    assert f"{splits:,} of the 12,870" in text_in(answer, "overfitting")
    assert "10,000 times" in text_in(answer, "monte_carlo")
    assert answer.content.decode().count('data-plot="histogram"') == 3
    assert answer.content.decode().count("<desk-spark") == 1
    assert 'name="deploy_key"' in answer.content.decode()


def test_money_at_risk_is_in_dollars_at_both_sizes(with_evidence: Backtest, alices_browser: Client) -> None:
    stored = Evidence.objects.get().report["monte_carlo"]
    facts = facts_of(alices_browser.get(page_of(with_evidence)))
    equity = 100_000  # the initial equity of a paper account
    assert facts["Your equity"] == "$100,000.00"
    assert facts["A bad drawdown at the tested size"] == f"−${stored['drawdown'] * equity:,.2f}"
    # The backtest bought up to 47.5% of the equity per position, in whole shares; a deployment buys 2%.
    assert 0.4 < stored["size"] < 0.48
    deployed = f"−${stored['drawdown'] * equity * 0.02 / stored['size']:,.2f}"
    assert facts["Both when deployed at 2.00% per position"].endswith(deployed)


def test_a_deployment_larger_than_the_backtest_loses_more(with_evidence: Backtest, alices_browser: Client) -> None:
    evidence = Evidence.objects.get()
    evidence.report["monte_carlo"] |= {"drawdown": 0.05, "size": 0.01}
    evidence.save()
    assert "−$10,000.00" in text_of(alices_browser.get(page_of(with_evidence)))
    evidence.report["monte_carlo"] |= {"drawdown": 0.8}
    evidence.save()
    shown = text_of(alices_browser.get(page_of(with_evidence)))
    assert "−$100,000.00" in shown  # never more than the equity
    assert "−$160,000.00" not in shown


def test_a_kind_without_parameters_has_a_page(
    alice: User, samples: list[str], make: Make, clock: Clock, alices_browser: Client
) -> None:
    strategy = save_strategy(
        alice, name="Hold", kind="buy_and_hold", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    backtest = make(strategy=strategy)
    run_backtest(backtest.pk, clock)
    compute_for_backtest(backtest.pk, clock)
    ratings = lines_of(alices_browser.get(page_of(backtest)))
    assert {ratings[key] for key in ("walk_forward", "overfitting", "neighbours")} == {"none"}


def test_a_pending_scorecard_polls(completed: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(page_of(completed))
    assert lines_of(page) == {}
    assert 'hx-trigger="every 2s, sse:changed"' in page.content.decode()
    part = alices_browser.get(page_of(completed), headers=HTMX)
    assert part.content.decode().strip().startswith("<section")


def test_the_evidence_page_reloads_when_the_evidence_is_ready(
    with_evidence: Backtest, alices_browser: Client
) -> None:
    address = f"http://testserver{page_of(with_evidence)}#chance"
    on_its_page = alices_browser.get(page_of(with_evidence), headers=HTMX | {"HX-Current-URL": address})
    assert on_its_page["HX-Refresh"] == "true"
    elsewhere = alices_browser.get(
        page_of(with_evidence), headers=HTMX | {"HX-Current-URL": "http://testserver/x"}
    )
    assert elsewhere.status_code == 286
    assert "HX-Refresh" not in elsewhere
    assert 'hx-trigger="every' not in elsewhere.content.decode()


def test_the_panel_on_the_page_of_a_strategy_polls_until_it_is_ready(
    completed: Backtest, strategy: Strategy, clock: Clock, alices_browser: Client
) -> None:
    url = reverse("strategies:detail", args=[strategy.pk])
    panel = f'hx-select="#evidence-{completed.pk}" hx-trigger="every 2s, sse:changed"'
    waiting = alices_browser.get(url)
    assert (f'hx-get="{url}" {panel}' in waiting.content.decode(), lines_of(waiting)) == (True, {})
    compute_for_backtest(completed.pk, clock)
    ready = alices_browser.get(url)
    assert (panel in ready.content.decode(), lines_of(ready).keys()) == (False, KEYS)
    assert "a single trial" in text_of(ready)


def test_the_scorecard_of_a_row_polls_until_it_is_ready(
    candidate: Candidate, clock: Clock, alices_browser: Client
) -> None:
    elsewhere = HTMX | {"HX-Current-URL": "http://testserver/x"}
    assert f'hx-get="{page_of(candidate)}"' in alices_browser.get(page_of(candidate)).content.decode()
    assert alices_browser.get(page_of(candidate), headers=elsewhere).status_code == 200
    compute_for_candidate(candidate.pk, clock)
    assert alices_browser.get(page_of(candidate), headers=elsewhere).status_code == 286


@pytest.mark.parametrize("noun", ["backtest", "candidate"])
def test_failed_evidence_is_computed_again_only_on_request(
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
    compute = compute_for_backtest if noun == "backtest" else compute_for_candidate
    with patch.object(evidence_service, "build_report", side_effect=ZeroDivisionError("by zero")):
        compute(subject.pk, clock)
    page = alices_browser.get(page_of(subject))
    assert f'action="{retry_url(subject)}"' in page.content.decode()
    assert "hx-trigger=" not in page.content.decode().partition('id="evidence-')[2].partition("</section>")[0]
    assert Evidence.objects.exclude(error="").count() == 1
    assert bobs_browser.post(retry_url(subject)).status_code == 404
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            assert alices_browser.post(retry_url(subject)).headers["Location"] == page_of(subject)
    assert published == [(f"backtests.tasks.compute_{noun}_evidence", (subject.pk,))]
    compute(subject.pk, clock)
    with django_capture_on_commit_callbacks(execute=True):
        alices_browser.post(retry_url(subject))
    assert len(published) == 1
    assert Evidence.objects.get(**{noun: subject}).error == ""


def test_a_row_without_evidence_is_not_shown_as_pending(candidate: Candidate, alices_browser: Client) -> None:
    page = alices_browser.get(reverse("backtests:optimizer_run", args=[candidate.run_id]), {"page": 2})
    link = page.content.decode().partition(f'href="{page_of(candidate)}"')[2].partition("</a>")[0]
    assert "not computed" in link


def test_the_error_is_shown(completed: Backtest, clock: Clock, alices_browser: Client) -> None:
    with patch.object(evidence_service, "build_report", side_effect=ZeroDivisionError("by zero")):
        compute_for_backtest(completed.pk, clock)
    assert Evidence.objects.get().error in text_in(
        alices_browser.get(page_of(completed)), f"evidence-{completed.pk}"
    )


def test_the_page_of_a_row_works_without_a_queue(candidate: Candidate, alices_browser: Client) -> None:
    with patch.object(evidence_service, "enqueue_candidate_evidence", side_effect=OperationalError("down")):
        assert has_id(alices_browser.get(page_of(candidate)), f"evidence-{candidate.pk}")


def test_a_row_of_a_search_is_tested_on_its_holdout_period(
    candidate: Candidate, clock: Clock, alices_browser: Client
) -> None:
    compute_for_candidate(candidate.pk, clock)
    page = alices_browser.get(page_of(candidate))
    assert "The search did not use the holdout period." in text_in(page, "out_of_sample")
    assert facts_of(page)["Distinct trials"] == "26"
    assert "26 distinct trials on this symbol and period" in text_of(page)


@pytest.mark.usefixtures("strategy")
def test_the_row_of_a_strategy_has_the_rating_of_its_latest_evidence(
    with_evidence: Backtest, alices_browser: Client
) -> None:
    page = tags_of(alices_browser.get(reverse("strategies:list")))
    cells = re.findall(rf'<a class="link-quiet" href="{page_of(with_evidence)}" title="([^"]*)">.*?</a>', page)
    assert len(cells) == 2  # on a wide screen and on a phone
    overall = scorecards(with_evidence.user, [with_evidence])[with_evidence.pk].overall
    assert overall is not None
    assert set(cells) == {overall.message}


def test_the_page_of_a_strategy_has_the_scorecard(
    with_evidence: Backtest, strategy: Strategy, alices_browser: Client
) -> None:
    page = alices_browser.get(reverse("strategies:detail", args=[strategy.pk]))
    assert lines_of(page).keys() == KEYS


def test_evidence_of_other_parameters_is_not_shown(
    with_evidence: Backtest, strategy: Strategy, alices_browser: Client
) -> None:
    Strategy.objects.update(parameters={"fast": 5, "slow": 40})
    page = alices_browser.get(reverse("strategies:list")).content.decode()
    assert page_of(with_evidence) not in page
    assert f'href="/dashboard/backtests/new?strategy={strategy.pk}"' in page


@pytest.mark.parametrize("change", [{"symbols": ["AAPL"]}, {"symbols": ["AAPL", "IBM"]}, {"timeframe": "1Hour"}])
def test_evidence_of_other_symbols_or_another_timeframe_is_not_shown(
    change: dict[str, Any], with_evidence: Backtest, alices_browser: Client
) -> None:
    Strategy.objects.update(**change)
    assert page_of(with_evidence) not in alices_browser.get(reverse("strategies:list")).content.decode()


def test_a_later_backtest_on_other_symbols_does_not_hide_the_evidence(
    with_evidence: Backtest, strategy: Strategy, make: Make, clock: Clock, alices_browser: Client
) -> None:
    other = make(symbols=["IBM"])
    run_backtest(other.pk, clock)
    Strategy.objects.update(symbols=["MSFT", "AAPL"])
    page = alices_browser.get(reverse("strategies:list")).content.decode()
    assert page_of(with_evidence) in page
    assert page_of(other) not in page


def test_every_rating_has_its_word(with_evidence: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(reverse("backtests:detail", args=[with_evidence.pk]), {"tab": "evidence"})
    rows = page.content.decode().partition('class="evidence-rows"')[2]
    found = re.findall(r'<span class="rating rating-(\w+)" aria-hidden="true"></span>\s*([\w ]+?)\s*</span>', rows)
    labels = {"pass": "Pass", "caution": "Caution", "fail": "Fail", "none": "Not rated"}
    words = [word for _, word in found]
    assert words == [labels[rating] for rating, _ in found]
    assert len(words) == 11


def test_the_number_of_queries_is_constant(
    with_evidence: Backtest, strategy: Strategy, alice: User, make: Make, clock: Clock, alices_browser: Client
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
def test_only_the_owner_sees_the_evidence(
    noun: str,
    with_evidence: Backtest,
    candidate: Candidate,
    alices_browser: Client,
    bobs_browser: Client,
    charlies_browser: Client,
) -> None:
    subject: Any = with_evidence if noun == "backtest" else candidate
    assert alices_browser.get(page_of(subject)).status_code == 200
    assert bobs_browser.get(page_of(subject)).status_code == 404
    assert bobs_browser.get(page_of(subject), headers=HTMX).status_code == 404
    assert charlies_browser.get(page_of(subject)).status_code == 302


def test_a_backtest_that_is_not_completed_has_no_evidence_page(make: Make, alices_browser: Client) -> None:
    assert alices_browser.get(page_of(make())).status_code == 404


def test_the_lines_of_the_evidence_have_pictures_of_their_figures(
    with_evidence: Backtest, alices_browser: Client
) -> None:
    page = alices_browser.get(reverse("backtests:detail", args=[with_evidence.pk]), {"tab": "evidence"})
    pictures, content = page.context["pictures"], Evidence.objects.get().report
    folds = content["walk_forward"]["folds"]
    assert pictures["walk_forward"].values == [fold["out_of_sample"] or 0.0 for fold in folds]
    holding = content["holding"]
    returns = [holding[name]["total_return"] for name in ("result", "benchmark")]
    shares = [share for _, _, share in pictures["against_holding"].bars]
    assert shares == [round(100 * max(value, 0) / max(returns)) for value in returns]
    drawdowns = content["monte_carlo"]["bootstrap"]["drawdowns"]
    assert pictures["monte_carlo"].values == drawdowns["counts"]
    assert 0 <= pictures["monte_carlo"].mark <= len(drawdowns["counts"])
    assert page.content.decode().count("<desk-spark") == sum(bool(each.values) for each in pictures.values())
