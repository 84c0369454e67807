"""The page of one live strategy."""

from decimal import Decimal

import pytest
from django.test import Client

from livetrading.views.dashboard import ROWS
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    at_day,
    closed,
    make_backtest,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_signal,
    make_strategy,
)
from tests.livetrading.reading import detail_of, text_of
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    load_samples(WALL)
    at_day(TODAY)


def test_the_page_shows_snapshot_rules_and_provenance(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(
        user=alice,
        strategy=make_strategy(user=alice, name="Golden cross"),
        provenance={
            "version": "0.1.0",
            "kind_code": "c0dec0de",
            "data": {"AAPL": {"provider": "sample", "fingerprint": "f" * 64, "count": 2768}},
        },
        daily_loss_limit=Decimal(500),
    )
    page = text_of(alices_browser, detail_of(live))
    for text in (
        "SMA crossover · fast 10, slow 30 · AAPL, MSFT · 1Day",
        "Position size 2.00%",
        "Daily loss limit $500.00",
        "Take profit Off",
        "Fractional shares No",
        "Source Golden cross",
        "Strategy code c0dec0de",
        f"AAPL bars sample {'f' * 12} 2,768 closed at deployment",
    ):
        assert text in page
    assert "Differs" not in page


def test_rules_that_differ_from_the_backtest_are_marked(alices_browser: Client, alice: User) -> None:
    backtest = make_backtest(user=alice)
    live = make_live_strategy(user=alice, backtest=backtest)
    page = text_of(alices_browser, detail_of(live))
    assert f"Rule Deployed Backtest {backtest.pk}" in page
    assert "Position size 2.00% Differs 47.50%" in page
    assert "Stop loss 10.00% 10.00%" in page


def test_the_three_history_lists_of_a_strategy(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    make_signal(live_strategy=live, explanation="Own signal")
    make_order(user=alice, live_strategy=live, state="rejected", reason="Own order")
    make_paper_trade(user=alice, live_strategy=live, symbol="ITSOWN", **closed(NOW))
    other = make_live_strategy(user=alice)
    make_signal(live_strategy=other, explanation="Other strategy")
    make_order(user=alice, live_strategy=other, reason="Other strategy")
    make_paper_trade(user=alice, live_strategy=other, symbol="OTHER", **closed(NOW))
    lists = {"signals": "Own signal", "orders": "Rejected Own order", "trades": "ITSOWN"}
    for show, text in lists.items():
        page = text_of(alices_browser, f"{detail_of(live)}?show={show}")
        assert text in page
        assert "Other strategy" not in page
        assert "OTHER" not in page
        # The second order is the filled entry of the trade.
        assert "Signals 1 Orders 2 Trades 1" in page
    assert "Mon, 2010-03-08 1 closed +$30.00" in text_of(alices_browser, f"{detail_of(live)}?show=trades")
    assert "Own signal" in text_of(alices_browser, f"{detail_of(live)}?show=nonsense")


def test_a_long_history_is_paginated_within_its_list(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    for number in range(ROWS + 1):
        make_order(user=alice, live_strategy=live, reason=f"Order {number}.")
    url = f"{detail_of(live)}?show=orders"
    assert 'href="?show=orders&amp;page=2"' in alices_browser.get(url).content.decode()
    assert alices_browser.get(f"{url}&page=2").content.decode().count('<tr id="order-') == 1
