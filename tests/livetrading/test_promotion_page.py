"""The pages of a promotion: what it would trade, the press, and paper and live side by side."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from livetrading.models import LiveStrategy
from livetrading.summaries.mode import read_live_switch
from livetrading.summaries.promotion import compare, deepest_fall
from tests.livetrading.factories import NOW, TODAY, WALL, at_day, closed, make_order, make_paper_trade, make_signal
from tests.livetrading.promoted import in_live_mode, live_trades, on_paper, promoted
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples


@pytest.fixture
def paper(alice: User, settings: Settings) -> LiveStrategy:
    settings.LIVE_NEEDS_SECOND_FACTOR = False
    load_samples(WALL)
    at_day(TODAY)
    in_live_mode(alice)
    return on_paper(alice)


def url_of(live: LiveStrategy, page: str = "") -> str:
    return f"/dashboard/live-trading/{live.pk}{page}"


def page_of(browser: Client, url: str, **query: Any) -> str:
    response = browser.get(url, query)
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def test_promote_and_raise_by_the_pages(alices_browser: Client, paper: LiveStrategy) -> None:
    assert url_of(paper, "/promote") in alices_browser.get(url_of(paper)).content.decode()
    page = page_of(alices_browser, url_of(paper, "/promote"))
    for text in (
        "0.50% of the equity",
        "$500.00",
        "25.00% of 2.00%",
        "Tested with 47.50%",
        "live · 0.50% a position",
    ):
        assert text in page
    assert "1.00% a position" in page_of(alices_browser, url_of(paper, "/promote/size"), fraction="50")
    sent = {"deploy_key": "key", "fraction": "30", "raise_after": "25", "shown_mode": "live"}
    for _ in range(2):
        answer = alices_browser.post(url_of(paper, "/promote"), sent)
    live = LiveStrategy.objects.get(account__mode="live")
    assert answer["Location"] == url_of(live)
    assert (live.size_fraction, live.promotion.raise_after) == (0.3, 25)
    assert [row.size for row in read_live_switch(live.user, NOW).rows] == [600]
    assert "30.00% of the size" in page_of(alices_browser, url_of(live))
    alices_browser.post(url_of(live, "/raise"), {"fraction": "60", "shown_mode": "live"})
    alices_browser.post(url_of(live, "/raise"), {"fraction": "2", "shown_mode": "live"})
    live.refresh_from_db()
    assert live.size_fraction == 0.6
    alices_browser.post(url_of(live, "/raise"), {"fraction": "100", "shown_mode": "live"})
    page = page_of(alices_browser, url_of(live))
    assert "of the size" not in page
    assert "Paper and live" in page


def test_a_refusal_is_on_the_page_and_there_is_no_button(
    alices_browser: Client, alice: User, paper: LiveStrategy
) -> None:
    User.objects.update(mode="paper")
    page = alices_browser.get(url_of(paper, "/promote")).content.decode()
    assert 'id="promotion-problem"' in page
    assert "Promote to live ·" not in page
    answer = alices_browser.post(url_of(paper, "/promote"), {"deploy_key": "key", "fraction": "25"})
    assert answer.status_code == 200
    wrong = alices_browser.post(url_of(paper, "/promote"), {"deploy_key": "key", "fraction": "3"})
    assert wrong.context["form"].errors.keys() == {"fraction"}
    assert not LiveStrategy.objects.filter(account__mode="live").exists()


def test_a_size_that_buys_no_share_says_so(alices_browser: Client, paper: LiveStrategy) -> None:
    LiveStrategy.objects.update(max_position_size=Decimal(100))
    assert 'id="too-dear"' in alices_browser.get(url_of(paper, "/promote")).content.decode()
    LiveStrategy.objects.update(fractional=True)
    assert 'id="too-dear"' not in alices_browser.get(url_of(paper, "/promote")).content.decode()


def test_both_pages_show_paper_and_live_side_by_side(
    alices_browser: Client, alice: User, bob: User, paper: LiveStrategy
) -> None:
    assert compare(alice, paper) is None
    live = promoted(paper, NOW)
    for price in (33, 27, 30):
        make_paper_trade(user=alice, live_strategy=paper, **closed(NOW, price))
    make_paper_trade(user=alice, live_strategy=paper)
    live_trades(live, 0.1, -0.2, 0.05)
    for each, paid in ((paper, "30.03"), (live, "30.15")):
        signal = make_signal(live_strategy=each, price=Decimal(30))
        filled = {"signal": signal, "state": "filled", "filled_quantity": 10, "filled_price": Decimal(paid)}
        make_order(user=alice, live_strategy=each, mode=each.mode, **filled)
    for shown in (paper, live):
        found = compare(alice, shown)
        assert found is not None
        assert (found.paper, found.promoted, found.tested.trades) == (paper, live, 20)
        assert (found.on_paper.trades, found.on_paper.pnl, found.on_paper.drawdown) == (3, 0, 30)
        assert (found.live.trades, found.live.pnl, found.live.drawdown) == (3, Decimal("-15"), 60)
        rates = (found.tested.win_rate, found.on_paper.win_rate, found.live.win_rate)
        assert rates == pytest.approx((1 / 2, 1 / 3, 2 / 3))
        assert (found.on_paper.slippage, found.live.slippage) == pytest.approx((10.0, 50.0))
        page = page_of(alices_browser, url_of(shown))
        for text in (
            "Equity a position 47.50% 2.00% 0.50%",
            "Trades 20 3 3",
            "Win rate 50.00% 33.33% 66.67%",
            "Slippage (bps) — 10.00 50.00",
        ):
            assert text in page
    assert compare(bob, live) is None
    paper.refresh_from_db()
    LiveStrategy.objects.filter(pk=paper.pk).update(deleted_at=NOW)
    assert "Paper (deleted)" in page_of(alices_browser, url_of(live))


def test_the_number_of_queries_is_constant(
    alice: User, paper: LiveStrategy, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        compare(alice, paper)
    live = LiveStrategy.objects.select_related("account", "backtest").get(pk=promoted(paper, NOW).pk)
    for trades in (0, 12):
        for _ in range(trades):
            make_paper_trade(user=alice, live_strategy=paper, **closed(NOW))
        live_trades(live, *[0.1] * trades)
        for shown in (paper, live):
            with django_assert_num_queries(5):
                compare(alice, shown)


@given(st.lists(st.integers(-1000, 1000), max_size=30))
def test_the_deepest_fall_is_that_between_any_two_moments(profits: list[int]) -> None:
    sums = [sum(profits[:count]) for count in range(len(profits) + 1)]
    falls = [before - after for first, before in enumerate(sums) for after in sums[first:]]
    assert deepest_fall(map(Decimal, profits)) == max(falls)


@pytest.mark.parametrize("page", ["/promote", "/promote/size", "/raise"])
def test_only_the_owner(bobs_browser: Client, charlies_browser: Client, paper: LiveStrategy, page: str) -> None:
    live = promoted(paper, NOW)
    for each in (paper, live):
        for send in (bobs_browser.get, bobs_browser.post):
            assert send(url_of(each, page), {"fraction": "100", "deploy_key": "k"}).status_code in (404, 405)
        for send in (charlies_browser.get, charlies_browser.post):
            assert send(url_of(each, page))["Location"].startswith("/accounts/login/")
    live.refresh_from_db()
    assert (live.size_fraction, LiveStrategy.objects.count()) == (0.25, 2)
