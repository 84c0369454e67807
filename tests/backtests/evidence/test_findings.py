"""Findings about the bars of a backtest are repeated beside it and in its evidence, and on the data page."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backtests.models import Backtest
from backtests.reports.scorecard import scorecards
from tests.backtests.evidence.test_pages import lines_of, page_of
from tests.backtests.pages import text_of
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.quality import Finding, Span, as_json

SPLIT = datetime(2004, 6, 1, 4, tzinfo=UTC)
GAP = datetime(2007, 6, 1, 4, tzinfo=UTC)


def doubt(backtest: Backtest, *findings: Finding) -> BarSeries:
    series = BarSeries.objects.get(symbol=backtest.symbols[0], timeframe="1Day")
    series.findings = as_json(findings)
    series.save(update_fields=["findings"])
    return series


@pytest.mark.parametrize("accepted", [False, True])
def test_no_line_passes_over_bars_with_an_open_hard_finding(
    with_evidence: Backtest, alices_browser: Client, accepted: bool
) -> None:
    """The split is before the period of the backtest: the bars before it warm up the indicators."""
    split = Finding("split", True, (Span(SPLIT, SPLIT, note="4:1", accepted=accepted),))
    doubt(with_evidence, split)
    page = alices_browser.get(reverse("backtests:detail", args=[with_evidence.pk]), {"tab": "evidence"})
    assert ("Accepted" if accepted else "Open") in text_of(page)
    assert "2004-06-01 (4:1)" in text_of(page)
    ratings = lines_of(alices_browser.get(page_of(with_evidence)))
    assert ratings["data"] == ("caution" if accepted else "fail")
    assert ("pass" in ratings.values()) == accepted


def test_a_soft_finding_counts_in_its_period(with_evidence: Backtest) -> None:
    def data_rating() -> Any:
        lines = scorecards(with_evidence.user, [with_evidence])[with_evidence.pk].lines
        return {line.key: line.rating for line in lines}["data"]

    assert data_rating() == "pass"
    doubt(with_evidence, Finding("gap", False, (Span(SPLIT, SPLIT),)))
    assert data_rating() == "pass"
    doubt(with_evidence, Finding("gap", False, (Span(GAP, GAP),)))
    assert data_rating() == "caution"


def test_the_data_page_names_them_to_every_trader(
    with_evidence: Backtest, alices_browser: Client, bobs_browser: Client, charlies_browser: Client
) -> None:
    doubt(with_evidence, Finding("gap", False, (Span(GAP, GAP, 63, "sessions"),)))
    address = reverse("marketdata:list")
    for browser in (alices_browser, bobs_browser):
        assert "Note Missing sessions: 63; the longest gap has 63" in text_of(browser.get(address))
    assert charlies_browser.get(address).status_code == 302
