import re
from datetime import timedelta

from django.template.loader import render_to_string
from django.test import Client

from strategies.checks import Check
from tests.strategies.examples import a_strategy, words
from tradedesk.accounts.models import User
from tradedesk.core.bars import to_datetime
from tradedesk.marketdata.library import closed_bars

LIST = "/dashboard/strategies"
HTMX = {"HX-Request": "true"}


def test_the_page_loads_the_proofs_after_itself(alices_browser: Client, alice: User, samples: None) -> None:
    strategy = a_strategy(alice)
    html = alices_browser.get(f"{LIST}/{strategy.pk}").content.decode()
    assert re.search(rf'hx-get="{LIST}/{strategy.pk}/checks"\s+hx-trigger="load"', html)
    assert f'href="{LIST}/{strategy.pk}/checks' in html
    assert "Passed" not in html


def test_the_proofs_pass_on_the_first_symbol_with_bars(alices_browser: Client, alice: User, samples: None) -> None:
    strategy = a_strategy(alice, symbols=["TSLA", "IBM", "AAPL"])
    answer = alices_browser.get(f"{LIST}/{strategy.pk}/checks", headers=HTMX)
    text = words(answer)
    assert re.search(r"No look-ahead Passed \d+ cuts", text)
    assert re.search(r"Enough warm-up Passed \d+ cuts", text)
    assert "Checks IBM, " in text
    assert re.search(r"Latest buy \d{4}-\d\d-\d\d SMA 5 \([\d.]+\) crossed above SMA 20", text)
    assert "<html" not in answer.content.decode()
    assert "hx-get" not in answer.content.decode()


def test_without_script_the_whole_page_shows_the_proofs(
    alices_browser: Client, alice: User, samples: None
) -> None:
    answer = alices_browser.get(f"{LIST}/{a_strategy(alice).pk}/checks")
    assert "No look-ahead Passed" in words(answer)
    assert "Deployments" in words(answer)
    assert "<html" in answer.content.decode()


def test_the_proofs_know_nothing_that_the_market_has_not_shown(
    alices_browser: Client, alice: User, samples: None
) -> None:
    evidence = alices_browser.get(f"{LIST}/{a_strategy(alice).pk}/checks").context["evidence"]
    assert f"{evidence.last:%Y-%m-%d}" == "2010-01-04"  # where the replay starts
    assert all(decision.time <= evidence.last for decision in evidence.decisions)


def test_the_decisions_shown_are_the_latest_of_each_side(
    alices_browser: Client, alice: User, samples: None
) -> None:
    strategy = a_strategy(alice)
    evidence = alices_browser.get(f"{LIST}/{strategy.pk}/checks").context["evidence"]
    bars = closed_bars("AAPL", "1Day", evidence.last + timedelta(days=1))
    side = strategy.make_kind().signals(bars).side
    latest = {int(side[row]): bars.time[row] for row in range(len(bars))}
    expected = sorted(
        ((to_datetime(latest[which]), name) for which, name in ((1, "BUY"), (-1, "SELL"))), reverse=True
    )
    assert [(decision.time, decision.side) for decision in evidence.decisions] == expected


def test_without_bars_there_is_nothing_to_prove(alices_browser: Client, alice: User) -> None:
    for symbols in ([], ["TSLA"]):
        url = f"{LIST}/{a_strategy(alice, symbols=symbols).pk}/checks"
        assert "None has any yet." in words(alices_browser.get(url, headers=HTMX))


def test_a_failed_proof_says_why() -> None:
    row = render_to_string(
        "strategies/_check_row.html",
        {"name": "No look-ahead", "check": Check(False, 100, 1, "Bar 17: the decision is BUY, then HOLD.")},
    )
    assert "Failed" in row
    assert "Passed" not in row
    assert "1 cut<" in row
    assert "Bar 17: the decision is BUY, then HOLD." in row
