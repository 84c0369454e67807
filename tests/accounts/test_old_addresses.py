"""Old addresses lead to the pages of today."""

import pytest
from django.test import Client

TRADES = "/trades"
MOVED = {
    "/live": f"{TRADES}?mode=live",
    "/live/": f"{TRADES}?mode=live",
    "/live?mode=paper&page=2": f"{TRADES}?mode=live&page=2",
    "/live/analysis": f"{TRADES}/analysis?mode=live",
    "/live/analysis?from=2010-01-04": f"{TRADES}/analysis?from=2010-01-04&mode=live",
    # Never another site, and no other query.
    "/live//example.com": f"{TRADES}/example.com?mode=live",
    "/live/a%3Fb": f"{TRADES}/a%3Fb?mode=live",
    "/history": TRADES,
    "/history?page=3&q=a%20b": f"{TRADES}?page=3&q=a+b",
    "/backtest?strategy=7": "/dashboard/backtests/new?strategy=7",
    "/dashboard/backtests/defaults": "/settings/defaults",
    "/dashboard/settings?a=1": "/settings?a=1",
}


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_an_old_address_leads_to_its_page(
    alices_browser: Client, bobs_browser: Client, charlies_browser: Client, old: str, new: str
) -> None:
    for browser in (alices_browser, bobs_browser):
        response = browser.get(old)
        assert (response.status_code, response["Location"]) == (302, new)
    assert charlies_browser.get(old)["Location"].startswith("/accounts/login/?next=")


def test_an_old_address_takes_no_forms(alices_browser: Client) -> None:
    assert alices_browser.post("/live", {"a": "b"}).status_code == 405
