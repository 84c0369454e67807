"""The order ticket: its page, its preview and its button."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from livetrading.models import Order
from livetrading.pipeline import direct
from tests.livetrading.factories import (
    TODAY,
    WALL,
    account_of,
    at_day,
    make_live_strategy,
    make_paper_trade,
    report_figures,
)
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.services import load_samples

TICKET = {
    "order_key": "one",
    "side": "buy",
    "symbol": "aapl",
    "type": "market",
    "unit": "shares",
    "quantity": "10",
    "stop_loss_pct": "10",
}
PAGE, PREVIEW = "/trades/order", "/trades/order/preview"
# What the page sends for its preview.
TYPED = {name: value for name, value in TICKET.items() if name != "order_key"}


@pytest.fixture(autouse=True)
def _with_workers(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    load_samples(WALL)
    at_day(TODAY)
    monkeypatch.setattr(direct, "workers_work", lambda wall_now: True)


def ordered() -> list[tuple[str, str, Decimal]]:
    found = Order.objects.filter(purpose__in=("entry", "exit")).exclude(state="filled")
    return list(found.values_list("side", "symbol", "quantity"))


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_a_double_press_places_one_order_which_no_page_sends(alice: User, alices_browser: Client) -> None:
    report_figures(alice, equity=100_000, cash=100_000)
    assert alices_browser.get(f"{PAGE}?symbol=AAPL&side=buy").status_code == 200
    assert ordered() == []
    for _ in range(2):
        response = alices_browser.post(PAGE, TICKET)
        assert (response.status_code, response.headers["Location"]) == (302, reverse("livetrading:dashboard"))
    assert ordered() == [("buy", "AAPL", 10)]
    order = Order.objects.get(purpose="entry")
    assert (order.state, order.close_key, Order.objects.get(purpose="stop_loss").distance) == (
        "pending",
        "one",
        0.1,
    )
    changed = alices_browser.post(PAGE, TICKET | {"quantity": "11"})
    assert (changed.status_code, ordered()) == (422, [("buy", "AAPL", 10)])
    assert changed.context["form"]["order_key"].value() not in ("one", "")


def test_the_preview_says_what_the_order_costs_and_leaves(alice: User, alices_browser: Client) -> None:
    report_figures(alice, equity=100_000, cash=100_000)
    make_paper_trade(user=alice)
    response = alices_browser.get(PREVIEW, TYPED)
    preview = response.context["preview"]
    price = preview.judged.quote.price
    assert preview.judged.problems == []
    assert preview.judged.cost.total == Decimal(str(round(10 * price, 6)))
    assert (preview.judged.held.shares, preview.judged.after.shares) == (10, 20)
    assert preview.judged.power_after == 100_000 - preview.judged.cost.total
    assert float(preview.stop) == pytest.approx(price * 0.9)
    assert all(f'id="{each}"' in text_of(response) for each in ("order-passes", "power-after", "position-after"))
    assert ordered() == []


def test_the_preview_lists_every_rule_that_blocks(alice: User, alices_browser: Client) -> None:
    account = report_figures(alice, equity=100_000, cash=100_000)
    account.rules.create(kind="order_value", limit=100)
    account.rules.create(kind="blocked_symbols", symbols=["AAPL"])
    response = alices_browser.get(PREVIEW, TYPED)
    assert [problem.code for problem in response.context["preview"].judged.problems] == ["account_rule"] * 2
    assert all(problem in text_of(response) for problem in response.context["preview"].judged.problems)
    refused = alices_browser.post(PAGE, TICKET)
    assert (refused.status_code, len(refused.context["form"].non_field_errors()), ordered()) == (422, 2, [])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "1e400"}, "quantity"),
        ({"quantity": "2.5"}, None),
        ({"quantity": "1", "unit": "dollars"}, "quantity"),
        ({"symbol": "A A"}, "symbol"),
        ({"symbol": "ZZZZ"}, "symbol"),
        ({"side": "short"}, "side"),
        ({"type": "limit"}, "price"),
        ({"type": "limit", "price": "1.234"}, "price"),
        ({"type": "limit", "price": "x"}, "price"),
        ({"type": "stop", "price": "1"}, "price"),
        ({"stop_loss_pct": "200"}, "stop_loss_pct"),
        ({"side": "sell"}, "quantity"),
        ({"side": "sell", "source": "x"}, "source"),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(
    alice: User, alices_browser: Client, values: dict[str, str], field: str | None
) -> None:
    report_figures(alice, equity=100_000, cash=100_000)
    response = alices_browser.post(PAGE, TICKET | {"time_in_force": "day"} | values)
    assert alices_browser.get(PREVIEW, TYPED | values).status_code == 200
    if field is None:
        assert response.status_code == 302
        return
    assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
    assert ordered() == []


def test_a_limit_order_and_dollars(alice: User, alices_browser: Client) -> None:
    report_figures(alice, equity=100_000, cash=100_000)
    values = {"type": "limit", "price": "20", "time_in_force": "gtc", "unit": "dollars", "quantity": "1000"}
    assert alices_browser.post(PAGE, TICKET | values).status_code == 302
    order = Order.objects.get(purpose="entry")
    assert (order.type, order.limit_price, order.quantity, order.time_in_force) == ("limit", 20, 50, "gtc")


def test_whose_shares_are_sold_is_a_choice(alice: User, alices_browser: Client) -> None:
    live = make_live_strategy(user=alice, name="Donchian")
    make_paper_trade(user=alice, live_strategy=live)
    make_paper_trade(user=alice, quantity=Decimal(5))
    sell = TICKET | {"side": "sell", "quantity": "10"}
    preview = alices_browser.get(PREVIEW, sell).context["preview"]
    assert [(each.value, each.shares) for each in preview.sources] == [("manual", 5), (str(live.pk), 10)]
    assert [problem.field for problem in preview.judged.problems] == ["quantity"]
    assert alices_browser.post(PAGE, sell).status_code == 422
    assert alices_browser.post(PAGE, sell | {"source": str(live.pk)}).status_code == 302
    assert Order.objects.get(purpose="exit").live_strategy == live


def test_in_live_mode_the_box_is_ticked_first(alice: User, alices_browser: Client) -> None:
    account_of(alice, Mode.LIVE)
    User.objects.filter(pk=alice.pk).update(mode=Mode.LIVE)
    response = alices_browser.post(PAGE, TICKET)
    assert (response.status_code, "confirmed" in response.context["form"].errors) == (422, True)
    response = alices_browser.post(PAGE, TICKET | {"confirmed": "on"})
    assert "confirmed" not in response.context["form"].errors  # this account has no connection
    assert (response.status_code, ordered()) == (422, [])


def test_a_form_of_the_other_mode_or_account_is_refused(alice: User, alices_browser: Client) -> None:
    report_figures(alice, equity=100_000, cash=100_000)
    for fields in ({"shown_mode": "live"}, {"shown_account": "999"}):
        assert alices_browser.post(PAGE, TICKET | fields).status_code == 302
    assert ordered() == []
    assert (
        alices_browser.get(f"{PAGE}?mode=live&symbol=AAPL").headers["Location"] == f"{PAGE}?mode=paper&symbol=AAPL"
    )


def test_before_the_paper_account_is_opened(alice: User, alices_browser: Client) -> None:
    assert 'name="quantity"' not in text_of(alices_browser.get(PAGE))
    assert alices_browser.post(PAGE, TICKET).status_code == 200
    assert not alice.broker_accounts.exists()
    assert alices_browser.get(PREVIEW, TYPED).status_code == 200
    assert alices_browser.post("/trades/order/account").headers["Location"] == PAGE
    assert 'name="quantity"' in text_of(alices_browser.get(PAGE))


def test_bob_and_charlie(
    alice: User, alices_browser: Client, bobs_browser: Client, charlies_browser: Client
) -> None:
    report_figures(alice, equity=100_000, cash=100_000)
    trade = make_paper_trade(user=alice)
    sell = TICKET | {"side": "sell", "shown_account": str(trade.account_id)}
    assert bobs_browser.post(PAGE, sell).status_code in (200, 302)
    assert bobs_browser.get(PREVIEW, sell).context["preview"] is None
    for url in (PAGE, PREVIEW):
        assert charlies_browser.get(url, TICKET).headers["Location"].startswith(reverse("account_login"))
    assert charlies_browser.post(PAGE, TICKET).status_code == 302
    assert ordered() == []
