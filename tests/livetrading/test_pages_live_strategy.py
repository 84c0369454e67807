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


def test_one_strategy_shows_snapshot_limits_and_provenance(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(
        user=alice,
        strategy=make_strategy(user=alice, name="Golden cross"),
        provenance={
            "version": "0.1.0",
            "kind_code": "c0dec0de",
            "data": {"AAPL": {"provider": "sample", "fingerprint": "f" * 64}},
        },
        daily_loss_limit=Decimal(500),
    )
    page = text_of(alices_browser, detail_of(live))
    for words in (
        "SMA crossover · fast 10, slow 30 · AAPL, MSFT · 1Day",
        "Position size 2.00%",
        "Daily loss limit $500.00",
        "Take profit Off",
        "Fractional shares No",
        "From Golden cross",
        "Strategy code c0dec0de",
        f"AAPL bars sample {'f' * 12}",
        "Orders are placed automatically",
    ):
        assert words in page
    assert "Differs" not in page


def test_a_deployment_of_a_backtest_shows_where_it_differs(alices_browser: Client, alice: User) -> None:
    backtest = make_backtest(user=alice)
    live = make_live_strategy(user=alice, backtest=backtest)
    page = text_of(alices_browser, detail_of(live))
    assert f"Rule Deployed Backtest {backtest.pk}" in page
    assert "Position size 2.00% Differs 47.50%" in page
    assert "Stop loss 10.00% 10.00%" in page


def test_the_three_lists_of_one_strategy(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    make_signal(live_strategy=live, explanation="A signal of its own")
    make_order(user=alice, live_strategy=live, state="rejected", reason="An order of its own")
    make_paper_trade(user=alice, live_strategy=live, symbol="ITSOWN", **closed(NOW))
    other = make_live_strategy(user=alice)
    make_signal(live_strategy=other, explanation="Of another")
    make_order(user=alice, live_strategy=other, reason="Of another")
    make_paper_trade(user=alice, live_strategy=other, symbol="OTHER", **closed(NOW))
    lists = {"signals": "A signal of its own", "orders": "Rejected An order of its own", "trades": "ITSOWN"}
    for show, words in lists.items():
        page = text_of(alices_browser, f"{detail_of(live)}?show={show}")
        assert words in page
        assert "Of another" not in page
        assert "OTHER" not in page
        # The filled order that opened the trade is the second.
        assert "Signals 1 Orders 2 Trades 1" in page
    assert "Mon, 2010-03-08 1 closed +$30.00" in text_of(alices_browser, f"{detail_of(live)}?show=trades")
    assert "A signal of its own" in text_of(alices_browser, f"{detail_of(live)}?show=nonsense")


def test_a_long_history_is_paged_and_keeps_its_list(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    for number in range(ROWS + 1):
        make_order(user=alice, live_strategy=live, reason=f"Order {number}.")
    url = f"{detail_of(live)}?show=orders"
    assert 'href="?show=orders&amp;page=2"' in alices_browser.get(url).content.decode()
    assert alices_browser.get(f"{url}&page=2").content.decode().count('<tr id="order-') == 1
