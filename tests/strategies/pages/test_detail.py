import re

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from livetrading.models import LiveStrategy
from strategies.models import Strategy
from tests.strategies.examples import a_backtest, a_deployment, a_strategy, element_text, page_text
from tradedesk.accounts.models import User

LIST = "/dashboard/strategies"
HTMX = {"HX-Request": "true"}


def test_the_page_shows_rules_symbols_and_activity(alices_browser: Client, alice: User, samples: None) -> None:
    strategy = a_strategy(alice, symbols=["AAPL", "TSLA"])
    response = alices_browser.get(f"{LIST}/{strategy.pk}")
    assert strategy.make_kind().description in page_text(response)
    assert response.context["warmup"] == 21
    assert element_text(response, 'id="warmup"') == "Warm-up: 21 bars"
    html = response.content.decode()
    assert re.search(r'name="param_fast" value="5" min="2" max="400"', html)
    assert f'action="{LIST}/{strategy.pk}/edit"' in html
    assert element_text(response, 'data-symbol="AAPL"') == "AAPL 2000-03-01 2013-03-01 3,270 sample"
    assert element_text(response, 'data-symbol="TSLA"') == "TSLA No bars"
    assert list(response.context["backtests"]) == list(response.context["deployments"]) == []


def test_a_strategy_without_symbols_links_to_its_form(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice, symbols=[])
    response = alices_browser.get(f"{LIST}/{strategy.pk}")
    assert element_text(response, 'id="symbols"').endswith("Add symbols")
    assert f'href="{LIST}/{strategy.pk}/edit"' in response.content.decode()


def test_it_lists_the_last_ten_backtests(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    oldest, *latest = [a_backtest(strategy) for _ in range(11)]
    a_backtest(a_strategy(alice, "Another"))
    response = alices_browser.get(f"{LIST}/{strategy.pk}")
    assert [backtest.pk for backtest in response.context["backtests"]] == [b.pk for b in reversed(latest)]
    assert response.context["backtest_count"] == 11
    html = response.content.decode()
    assert f'id="backtest-{oldest.pk}"' not in html
    assert f'href="/dashboard/backtests?strategy={strategy.pk}"' in html
    assert element_text(response, f'id="backtest-{latest[0].pk}"') == (
        "2005-01-03 to 2012-03-05 +34.21% — 1.02 23.40% 88 fast 5, slow 20 Completed"
    )


def test_it_lists_its_deployments(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    deployment = a_deployment(strategy, status=LiveStrategy.Status.STOPPED, parameters={"fast": 9, "slow": 30})
    row = element_text(alices_browser.get(f"{LIST}/{strategy.pk}"), f'id="deployment-{deployment.pk}"')
    assert row.startswith("Live - Tech PAPER Stopped fast 9, slow 30 AAPL 2012-03-05 16:00")


def test_with_htmx_only_the_activity_is_rendered(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    a_backtest(strategy)
    fragment = alices_browser.get(f"{LIST}/{strategy.pk}", headers=HTMX).content.decode()
    assert fragment.strip().startswith('<div id="activity"')
    assert re.search(r'<nav id="life-line"[^>]*hx-swap-oob="morph"', fragment)
    assert 'name="param_fast"' not in fragment
    assert "+34.21%" in fragment
    assert "<html" not in fragment


def test_the_number_of_queries_does_not_depend_on_the_activity(alices_browser: Client, alice: User) -> None:
    unused, busy = a_strategy(alice, "Unused"), a_strategy(alice, "Busy", symbols=[f"S{n}" for n in range(50)])
    for _ in range(12):
        a_backtest(busy)
        a_deployment(busy)
    alices_browser.get(f"{LIST}/{unused.pk}")
    with CaptureQueriesContext(connection) as few:
        alices_browser.get(f"{LIST}/{unused.pk}")
    with CaptureQueriesContext(connection) as many:
        alices_browser.get(f"{LIST}/{busy.pk}")
    assert len(few) == len(many)


def test_invalid_stored_parameters_are_reported(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    Strategy.objects.update(parameters={"fast": 50, "slow": 20})
    response = alices_browser.get(f"{LIST}/{strategy.pk}")
    error = response.context["parameters_error"]
    assert "(50)" in error
    assert element_text(response, 'id="parameters-error"').startswith(error)
    assert response.context["warmup"] is None


def steps(html: str) -> dict[str, str]:
    """The state or the rating of each step of the life line."""
    return dict(re.findall(r'data-step="(\w+)"\s+data-state="(\w+)"', html))


def test_the_life_line_of_a_new_strategy_begins_with_its_rules(alices_browser: Client, alice: User) -> None:
    assert steps(alices_browser.get(f"{LIST}/new").content.decode()) == {
        "rules": "stopped", "backtest": "closed", "evidence": "closed", "paper": "closed", "live": "closed"
    }  # fmt: skip


def test_the_life_line_shows_each_step_with_its_link(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    tested, live = a_backtest(strategy), a_deployment(strategy)
    html = alices_browser.get(f"{LIST}/{strategy.pk}").content.decode()
    assert steps(html) == {
        "rules": "running", "backtest": "running", "evidence": "stopped", "paper": "running", "live": "closed"
    }  # fmt: skip
    line = html[html.index('id="life-line"') : html.index('id="strategy-form"')]
    for link in (f"/backtests/{tested.pk}", f"/live-trading/{live.pk}", f"/live-trading/{live.pk}/promote"):
        assert f'href="/dashboard{link}"' in line
    Strategy.objects.update(parameters={"fast": 9, "slow": 30})
    changed = steps(alices_browser.get(f"{LIST}/{strategy.pk}").content.decode())
    assert (changed["backtest"], changed["evidence"]) == ("degraded", "closed")
