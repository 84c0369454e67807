import re
from datetime import timedelta

from django.template.loader import render_to_string
from django.test import Client

from strategies.checks import Check
from tests.strategies.examples import a_strategy, element_text
from tradedesk.accounts.models import User
from tradedesk.core.bars import to_datetime
from tradedesk.marketdata.library import closed_bars

LIST = "/dashboard/strategies"
HTMX = {"HX-Request": "true"}
PASSED = {"no_look_ahead": "passed", "warmup": "passed"}


def results(html: str) -> dict[str, str]:
    """The result of each check on the page, by its key."""
    return dict(re.findall(r'data-check="(\w+)"\s+data-result="(\w+)"', html))


def test_the_detail_page_loads_the_checks_with_htmx(alices_browser: Client, alice: User, samples: None) -> None:
    strategy = a_strategy(alice)
    html = alices_browser.get(f"{LIST}/{strategy.pk}").content.decode()
    assert re.search(rf'hx-get="{LIST}/{strategy.pk}/checks"\s+hx-trigger="load"', html)
    assert f'href="{LIST}/{strategy.pk}/checks#checks"' in html
    assert "data-check=" not in html


def test_the_checks_use_the_first_symbol_with_bars(alices_browser: Client, alice: User, samples: None) -> None:
    strategy = a_strategy(alice, symbols=["TSLA", "IBM", "AAPL"])
    response = alices_browser.get(f"{LIST}/{strategy.pk}/checks", headers=HTMX)
    html = response.content.decode()
    assert response.context["report"].symbol == "IBM"
    assert results(html) == PASSED
    for key in PASSED:
        assert re.search(r"Passed \d+ test points", element_text(response, f'data-check="{key}"'))
    latest_buy = element_text(response, 'data-signal="BUY"')
    assert re.search(r"\d{4}-\d\d-\d\d SMA 5 \([\d.]+\) crossed above SMA 20", latest_buy)
    assert "<html" not in html
    assert "hx-get" not in html


def test_without_htmx_the_whole_page_shows_the_checks(alices_browser: Client, alice: User, samples: None) -> None:
    html = alices_browser.get(f"{LIST}/{a_strategy(alice).pk}/checks").content.decode()
    assert results(html) == PASSED
    assert 'id="activity"' in html
    assert "<html" in html


def test_the_checks_use_closed_bars_only(alices_browser: Client, alice: User, samples: None) -> None:
    report = alices_browser.get(f"{LIST}/{a_strategy(alice).pk}/checks").context["report"]
    assert f"{report.last:%Y-%m-%d}" == "2010-01-04"  # where the replay starts
    assert all(signal.time <= report.last for signal in report.latest_signals)


def test_the_latest_signal_of_each_side_is_shown(alices_browser: Client, alice: User, samples: None) -> None:
    strategy = a_strategy(alice)
    report = alices_browser.get(f"{LIST}/{strategy.pk}/checks").context["report"]
    bars = closed_bars(None, "AAPL", "1Day", report.last + timedelta(days=1))
    side = strategy.make_kind().signals(bars).side
    latest = {int(side[row]): bars.time[row] for row in range(len(bars))}
    expected = sorted(
        ((to_datetime(latest[which]), name) for which, name in ((1, "BUY"), (-1, "SELL"))), reverse=True
    )
    assert [(signal.time, signal.side) for signal in report.latest_signals] == expected


def test_without_bars_no_check_runs(alices_browser: Client, alice: User) -> None:
    for symbols in ([], ["TSLA"]):
        url = f"{LIST}/{a_strategy(alice, symbols=symbols).pk}/checks"
        response = alices_browser.get(url, headers=HTMX)
        assert response.context["report"] is None
        assert "data-empty" in response.content.decode()
        assert "data-check=" not in response.content.decode()


def test_a_failed_check_shows_its_message() -> None:
    message = "Bar 17: the decision is BUY, then HOLD."
    row = render_to_string(
        "strategies/_check_row.html",
        {"key": "no_look_ahead", "name": "No look-ahead", "check": Check(False, 100, 1, message)},
    )
    assert results(row) == {"no_look_ahead": "failed"}
    assert "Passed" not in row
    assert "1 test point<" in row
    assert message in row
