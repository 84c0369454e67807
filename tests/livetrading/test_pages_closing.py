"""Close and Cancel on the pages, each after one confirmation."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from livetrading.models import Order, PaperTrade
from livetrading.pipeline import direct
from tests.livetrading.factories import (
    TODAY,
    WALL,
    account_of,
    at_day,
    make_incident,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_stop,
)
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import daily_time

LIVE = "/dashboard/live-trading"


@pytest.fixture(autouse=True)
def _with_workers(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    load_samples(WALL)
    at_day(TODAY)
    monkeypatch.setattr(direct, "workers_work", lambda wall_now: True)


@pytest.fixture
def trade(alice: User) -> PaperTrade:
    return make_paper_trade(user=alice, live_strategy=make_live_strategy(user=alice))


def urls_of(trade: PaperTrade) -> dict[str, str]:
    live = trade.live_strategy_id
    return {
        "position": reverse("livetrading:close_position", args=[trade.account_id, trade.symbol]),
        "lot": reverse("livetrading:close_lot", args=[trade.account_id, trade.opening_order_id]),
        "account": reverse("livetrading:close_all", args=[trade.account_id]),
        "strategy": reverse("livetrading:close_strategy", args=[live]),
    }


def exits() -> list[tuple[Decimal, bool]]:
    return list(Order.objects.filter(purpose="exit").values_list("quantity", "partial"))


@pytest.mark.parametrize("which", ["position", "lot", "strategy", "account"])
def test_a_page_says_what_is_sold_and_its_button_sells_it(
    trade: PaperTrade, alices_browser: Client, which: str
) -> None:
    url = urls_of(trade)[which]
    page = " ".join(alices_browser.get(url).content.decode().split())
    assert "10 shares, $" in page
    assert ("next bar" in page, 'name="quantity"' in page) == (True, which in ("position", "lot"))
    assert exits() == []
    for _ in range(2):
        assert alices_browser.post(url).status_code == 302
    assert exits() == [(10, False)]


@pytest.mark.parametrize("which", ["position", "lot"])
def test_some_of_the_shares_are_sold(trade: PaperTrade, alices_browser: Client, which: str) -> None:
    """Once for each page: the same form, sent again after its order was filled, sells nothing more."""
    url = urls_of(trade)[which]
    key = alices_browser.get(url).context["form"]["order_key"].value()
    for _ in range(2):
        assert alices_browser.post(url, {"quantity": "4", "order_key": key}).status_code == 302
        assert exits() == [(4, True)]
        Order.objects.filter(purpose="exit").update(state="filled", filled_quantity=4)
        PaperTrade.objects.update(exit_quantity=4)


@pytest.mark.parametrize("quantity", ["0", "-1", "11", "2.5", "x", "1e400", "NaN"])
def test_shares_that_cannot_be_sold_are_refused_at_the_field(
    trade: PaperTrade, alices_browser: Client, quantity: str
) -> None:
    response = alices_browser.post(urls_of(trade)["position"], {"quantity": quantity})
    assert (response.status_code, list(response.context["form"].errors)) == (422, ["quantity"])
    assert exits() == []


LIMIT = {"order_key": "one", "type": "limit", "price": "40", "time_in_force": "gtc"}


@pytest.mark.parametrize("which", ["position", "lot"])
@pytest.mark.parametrize(("quantity", "sold"), [("", 10), ("4", 4)])
def test_all_or_some_wait_for_a_limit_price(
    trade: PaperTrade, alices_browser: Client, which: str, quantity: str, sold: int
) -> None:
    make_paper_trade(user=trade.user, symbol="IBM")
    url = urls_of(trade)[which]
    key = alices_browser.get(url).context["form"]["order_key"].value()
    typed = LIMIT | {"order_key": key, "quantity": quantity}
    for _ in range(2):
        assert alices_browser.post(url, typed).status_code == 302
    order = Order.objects.get(purpose="exit")
    assert (order.type, order.limit_price, order.time_in_force) == ("limit", 40, "gtc")
    assert (order.symbol, order.quantity, order.live_strategy) == ("AAPL", sold, trade.live_strategy)
    # Another press with other values is another request, and the shares are for sale already.
    assert alices_browser.post(url, typed | {"price": "41"}).status_code == 422
    refused = alices_browser.post(url, typed | {"order_key": "two", "quantity": "10"})
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["quantity"])
    assert len(exits()) == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        *(({"price": price}, "price") for price in ("", "0", "-1", "x", "NaN", "1e400", "40.001")),
        *(({"quantity": shares}, "quantity") for shares in ("0", "11", "2.5", "x")),
        ({"type": "stop"}, "type"),
        ({"time_in_force": "ioc"}, "time_in_force"),
    ],
)
def test_a_wrong_limit_order_is_refused_at_its_field(
    trade: PaperTrade, alices_browser: Client, values: dict[str, str], field: str
) -> None:
    response = alices_browser.post(urls_of(trade)["position"], LIMIT | values)
    assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
    assert exits() == []


def test_what_is_gone_is_said(trade: PaperTrade, alices_browser: Client) -> None:
    PaperTrade.objects.update(exit_time=trade.entry_time)
    for url in urls_of(trade).values():
        page = alices_browser.get(url, follow=True)
        assert page.redirect_chain == [(LIVE, 302)]
        assert len(page.context["messages"]) == 1
        assert alices_browser.post(url).status_code == 422


def test_only_the_owner_closes_and_cancels(
    trade: PaperTrade, bob: User, bobs_browser: Client, charlies_browser: Client
) -> None:
    account_of(bob)
    order = make_order(user=trade.user)
    for url in (*urls_of(trade).values(), reverse("livetrading:cancel_order", args=[order.pk])):
        for typed in ({}, LIMIT):
            assert bobs_browser.post(url, typed).status_code == 404
            assert charlies_browser.post(url, typed).status_code == 302
    mixed = reverse("livetrading:close_lot", args=[account_of(bob).pk, trade.opening_order_id])
    assert [bobs_browser.post(mixed, typed).status_code for typed in ({}, LIMIT)] == [422, 422]
    order.refresh_from_db()
    assert (exits(), order.state) == ([], "pending")


@pytest.mark.parametrize(
    ("state", "after"), [("pending", "cancelled"), ("accepted", "cancel_pending"), ("filled", "filled")]
)
def test_an_order_is_cancelled_in_its_row(
    alice: User, trade: PaperTrade, alices_browser: Client, state: str, after: str
) -> None:
    order = make_order(user=alice, state=state, live_strategy=trade.live_strategy)
    stop = make_stop(trade=trade)
    page = alices_browser.get(f"{LIVE}/{trade.live_strategy_id}?show=orders").content.decode()
    url = reverse("livetrading:cancel_order", args=[order.pk])
    assert (url in page) == (state != "filled")
    assert reverse("livetrading:cancel_order", args=[stop.pk]) not in page
    assert alices_browser.get(url).status_code == 405
    for _ in range(2):
        assert alices_browser.post(url).status_code == 302
    order.refresh_from_db()
    assert order.state == after


def test_shares_sold_outside_the_desk_are_booked_at_their_price(
    alice: User, trade: PaperTrade, alices_browser: Client, bobs_browser: Client, charlies_browser: Client
) -> None:
    url = reverse("livetrading:sold_outside", args=[trade.account_id, trade.symbol])
    assert alices_browser.get(url).status_code == alices_browser.post(url, {"price": "31"}).status_code == 302
    assert exits() == []
    facts = {"difference": "-4", "own": "10"}
    incident = make_incident(account=trade.account, key=trade.symbol, facts=facts, first_seen_at=daily_time(TODAY))
    assert url in alices_browser.get(LIVE).content.decode()
    assert "4 shares of AAPL" in " ".join(alices_browser.get(url).content.decode().split())
    for price in ("", "0", "-1", "x", "NaN", "1e400", "0.00000001", "10000001"):
        refused = alices_browser.post(url, {"price": price})
        assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["price"]), price
    assert bobs_browser.get(url).status_code == bobs_browser.post(url, {"price": "31"}).status_code == 404
    assert charlies_browser.post(url, {"price": "31"})["Location"].startswith("/accounts/login")
    assert exits() == []
    for _ in range(2):
        assert alices_browser.post(url, {"price": "31"}).status_code == 302
    assert exits() == [(4, True)]
    trade.refresh_from_db()
    assert (trade.exit_quantity, trade.exit_price) == (4, 31)
    incident.facts = {"difference": "4", "own": "6"}
    incident.save()
    assert url not in alices_browser.get(LIVE).content.decode()


def test_rows_have_their_buttons(alice: User, trade: PaperTrade, alices_browser: Client) -> None:
    other = make_paper_trade(user=alice)
    urls = urls_of(trade)
    page = alices_browser.get("/trades?tab=positions").content.decode()
    for url in (urls["position"], urls["lot"], urls_of_lot(other)):
        assert url in page
    live = alices_browser.get(LIVE).content.decode()
    assert urls["strategy"] in live
    assert urls["account"] in live
    detail = alices_browser.get(f"{LIVE}/{trade.live_strategy_id}").content.decode()
    assert (urls["strategy"] in detail, urls["lot"] in detail, urls["position"] in detail) == (True, True, False)


def urls_of_lot(trade: PaperTrade) -> str:
    return reverse("livetrading:close_lot", args=[trade.account_id, trade.opening_order_id])
