"""The page of the account rules: add, change, switch, order and delete them; readings; sectors."""

from datetime import time
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from livetrading.models import AccountRule, BrokerAccount
from livetrading.models.account_rule_kinds import KINDS
from livetrading.services.accounts import active_account
from tests.livetrading.factories import NOW, TODAY, WALL, account_of, at_day, make_order, make_paper_trade
from tests.livetrading.reading import text_of
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.models import AuditRecord
from tradedesk.marketdata.services import load_samples

PAGE = "/dashboard/risk-rules"
ON = [kind.key for kind in KINDS.values() if kind.on]


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    load_samples(WALL)
    at_day(TODAY)


@pytest.fixture
def account(alice: User) -> BrokerAccount:
    return account_of(alice)


def make_rule(
    account: BrokerAccount, kind: str = "order_value", limit: float | None = 500, **values: Any
) -> AccountRule:
    number = None if limit is None else Decimal(str(limit))
    return AccountRule.objects.create(account=account, kind=kind, limit=number, **values)


def kinds_of(account: BrokerAccount) -> list[str]:
    return list(account.rules.values_list("kind", flat=True))


def test_the_addresses(account: BrokerAccount) -> None:
    assert reverse("livetrading:risk_rules") == PAGE
    assert reverse("livetrading:risk_rule", args=[7]) == f"{PAGE}/7"
    assert reverse("livetrading:risk_rule_add", args=["min_price"]) == f"{PAGE}/add/min_price"


def test_the_page_is_in_the_navigation(alices_browser: Client) -> None:
    assert f'href="{PAGE}"' in alices_browser.get("/dashboard").content.decode()


def test_without_an_account_the_page_opens_it_with_the_default_rules(alices_browser: Client, alice: User) -> None:
    assert "No account yet" in text_of(alices_browser, PAGE)
    assert not BrokerAccount.objects.exists()
    assert alices_browser.post(f"{PAGE}/account").status_code == 302
    assert kinds_of(alice.broker_accounts.get()) == ON
    page = text_of(alices_browser, PAGE)
    assert all(KINDS[key].label in page for key in KINDS)


def test_in_live_mode_there_is_no_account_to_open(alices_browser: Client, alice: User) -> None:
    User.objects.update(mode=Mode.LIVE)
    assert "No live account" in text_of(alices_browser, PAGE)
    alices_browser.post(f"{PAGE}/account")
    assert not BrokerAccount.objects.exists()


def test_each_rule_shows_its_reading_against_its_limit(
    alices_browser: Client, alice: User, account: BrokerAccount
) -> None:
    """One lot of 10 AAPL in an account of $1,000 that had $1,250, and two entry orders today."""
    BrokerAccount.objects.update(equity=1_000, peak_equity=1_250, day_start_equity=1_010)
    make_paper_trade(user=alice)
    make_order(user=alice, account=account, symbol="IBM", created_at=NOW, state="filled")
    values = {
        "open_positions": 10,
        "orders_per_day": 2,
        "max_drawdown_pct": 0.25,
        "max_drawdown_dollars": 200,
        "daily_loss_dollars": 100,
    }
    for kind, limit in values.items():
        make_rule(account, kind, limit)
    make_rule(account, "min_price", 2)
    make_rule(account, "order_value", 9_000, enabled=False)
    make_rule(account, "blocked_symbols", None, symbols=["GME", "TSLA"])
    make_rule(account, "trading_window", None, window_start=time(9, 30), window_end=time(16, 30))
    page = text_of(alices_browser, PAGE)
    for text in (
        "Max open positions ● Passes 1 10",
        "Orders per day ▲ At the limit 2 2",
        "then keep positions △ Near the limit 20.0% 25.0%",
        "then keep positions ▲ At the limit $250.00 $200.00",
        "Daily loss limit ($) ● Passes $10.00 $100.00",
        "Minimum price ● Passes Read with each entry $2.00",
        "Order value ○ Off Read with each entry $9,000.00",
        "Blocked symbols ● Passes Read with each entry GME, TSLA",
        "Trading window ● Passes Read with each entry 09:30 to 16:30 ET",
    ):
        assert text in page
    html = alices_browser.get(PAGE).content.decode()
    assert 'aria-label="Max open positions: 1 of 10"' in " ".join(html.split())


def test_a_rule_shows_when_it_blocked_last_and_that_it_has_tripped(
    alices_browser: Client, account: BrokerAccount
) -> None:
    make_rule(account, blocked_count=2, last_blocked_at=NOW, last_blocked_reason="Order value: too much.")
    make_rule(account, "max_drawdown_pct", 0.2, tripped_at=NOW, tripped_reason="It is 21%.", flatten=True)
    page = text_of(alices_browser, PAGE)
    assert "2010-03-08 16:00 · 2 times Order value: too much." in page
    assert "then sell all ■ Tripped" in page
    assert "It is 21%." in page


def test_symbols_without_a_sector_are_named(alices_browser: Client, alice: User, account: BrokerAccount) -> None:
    make_rule(account, "exposure_sector", 0.4)
    make_paper_trade(user=alice)
    assert "Without a sector, and so not limited by one: AAPL." in text_of(alices_browser, PAGE)
    alices_browser.post(f"{PAGE}/sectors", {"sectors": "aapl : Consumer   electronics\n\nXOM: Energy\n"})
    assert list(alice.symbol_sectors.values_list("symbol", "sector")) == [
        ("AAPL", "Consumer electronics"),
        ("XOM", "Energy"),
    ]
    page = alices_browser.get(PAGE).content.decode()
    assert "Without a sector" not in page
    assert "AAPL: Consumer electronics\nXOM: Energy" in page
    alices_browser.post(f"{PAGE}/sectors", {"sectors": ""})
    assert not alice.symbol_sectors.exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("AAPL", "Line 1"),
        ("AAPL: Tech\n: Tech", "Line 2"),
        ("AAPL:  ", "Line 1"),
        ("AA PL: Tech", "Line 1"),
        ("AAPL: Tech\nAAPL: Energy", "Line 2"),
        ("AAPL: " + "x" * 41, "Line 1"),
        ("AAPL: a\u200bb", "Line 1"),
        ("\n".join(f"S{number}: Tech" for number in range(501)), "at most 500 symbols, not 501"),
        ("x" * 30_001, "at most 30000 characters"),
    ],
)
def test_a_bad_line_of_sectors_is_refused_at_the_field(
    alices_browser: Client, alice: User, account: BrokerAccount, text: str, line: str
) -> None:
    alice.symbol_sectors.create(symbol="IBM", sector="Tech")
    response = alices_browser.post(f"{PAGE}/sectors", {"sectors": text})
    assert response.status_code == 422
    assert line in str(response.context["form"].errors["sectors"])
    assert alice.symbol_sectors.get().symbol == "IBM"


# --- Adding and changing ---------------------------------------------------------------------------------------

VALID: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "open_positions": ({"limit": "7"}, {"limit": 7}),
    "exposure_symbol": ({"limit": "12.5"}, {"limit": Decimal("0.125")}),
    "order_value": ({"limit": "1234.56"}, {"limit": Decimal("1234.56")}),
    "max_drawdown_pct": ({"limit": "20", "positions": "flatten"}, {"limit": Decimal("0.2"), "flatten": True}),
    "max_drawdown_dollars": ({"limit": "900", "positions": "keep"}, {"limit": 900, "flatten": False}),
    "blocked_symbols": ({"symbols": "gme, TSLA\nbrk.b gme"}, {"symbols": ["BRK.B", "GME", "TSLA"]}),
    "trading_window": (
        {"window_start": "09:30", "window_end": "16:30"},
        {"window_start": time(9, 30), "window_end": time(16, 30)},
    ),
}


@pytest.mark.parametrize("kind", sorted(VALID))
def test_a_rule_is_added_and_changed(alices_browser: Client, account: BrokerAccount, kind: str) -> None:
    form, stored = VALID[kind]
    make_rule(account, "min_price", 1, position=4)
    assert alices_browser.get(f"{PAGE}/add/{kind}").status_code == 200
    response = alices_browser.post(f"{PAGE}/add/{kind}", form)
    assert (response.status_code, response.headers["Location"]) == (302, PAGE)
    rule = account.rules.get(kind=kind)
    assert {name: getattr(rule, name) for name in stored} == stored
    assert (rule.enabled, rule.position) == (False, 5), "an unchecked box"
    assert alices_browser.post(f"{PAGE}/{rule.pk}", form | {"enabled": "on"}).status_code == 302
    rule.refresh_from_db()
    assert rule.enabled
    assert {name: getattr(rule, name) for name in stored} == stored
    assert list(AuditRecord.objects.order_by("sequence").values_list("action", flat=True)) == [
        "rule_added",
        "rule_changed",
    ]
    edit = alices_browser.get(f"{PAGE}/{rule.pk}").content.decode()
    assert all(value in edit for value in (*form.values(),) if kind != "blocked_symbols")


@pytest.mark.parametrize(
    ("kind", "form", "field"),
    [
        ("open_positions", {"limit": ""}, "limit"),
        ("open_positions", {"limit": "0"}, "limit"),
        ("open_positions", {"limit": "2.5"}, "limit"),
        ("open_positions", {"limit": "nan"}, "limit"),
        ("open_positions", {"limit": "10001"}, "limit"),
        ("exposure_symbol", {"limit": "1001"}, "limit"),
        ("exposure_symbol", {"limit": "0"}, "limit"),
        ("order_value", {"limit": "1e99"}, "limit"),
        ("order_value", {"limit": "x"}, "limit"),
        ("max_drawdown_pct", {"limit": "20", "positions": "burn"}, "positions"),
        ("blocked_symbols", {"symbols": ""}, "symbols"),
        ("blocked_symbols", {"symbols": " , ;"}, "symbols"),
        ("blocked_symbols", {"symbols": "AAPL, $$$"}, "symbols"),
        ("blocked_symbols", {"symbols": " ".join(f"S{n}" for n in range(201))}, "symbols"),
        ("blocked_symbols", {"symbols": "A" * 4_001}, "symbols"),
        ("trading_window", {"window_start": "09:30", "window_end": ""}, "window_end"),
        ("trading_window", {"window_start": "25:00", "window_end": "16:00"}, "window_start"),
        ("trading_window", {"window_start": "16:00", "window_end": "16:00"}, "window_end"),
    ],
)
def test_a_bad_value_is_refused_at_its_field_and_writes_nothing(
    alices_browser: Client, account: BrokerAccount, kind: str, form: dict[str, str], field: str
) -> None:
    response = alices_browser.post(f"{PAGE}/add/{kind}", form)
    assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
    assert not AccountRule.objects.exists()
    assert not AuditRecord.objects.exists()


def test_each_kind_once(alices_browser: Client, account: BrokerAccount) -> None:
    make_rule(account, "order_value", 500)
    response = alices_browser.post(f"{PAGE}/add/order_value", {"limit": "900"})
    assert response.status_code == 422
    assert "already" in str(response.context["form"].non_field_errors())
    assert account.rules.get().limit == 500
    assert f"{PAGE}/add/order_value" not in alices_browser.get(PAGE).content.decode()


def test_an_unknown_kind_is_404(alices_browser: Client, account: BrokerAccount) -> None:
    for address in (f"{PAGE}/add/moon_phase", f"{PAGE}/{make_rule(account, 'moon_phase', 1).pk}"):
        assert alices_browser.get(address).status_code == 404
    assert alices_browser.get(PAGE).status_code == 200


def test_rules_are_switched_moved_and_deleted(alices_browser: Client, account: BrokerAccount) -> None:
    first, second, third = (
        make_rule(account, kind, 1, position=9) for kind in ("min_price", "order_value", "open_positions")
    )
    alices_browser.post(f"{PAGE}/{first.pk}/off")
    first.refresh_from_db()
    assert not first.enabled
    alices_browser.post(f"{PAGE}/{first.pk}/on")
    first.refresh_from_db()
    assert first.enabled
    alices_browser.post(f"{PAGE}/{third.pk}/up")
    assert kinds_of(account) == ["min_price", "open_positions", "order_value"]
    for _ in range(3):
        alices_browser.post(f"{PAGE}/{first.pk}/down")
    assert kinds_of(account) == ["open_positions", "order_value", "min_price"]
    assert "Delete this rule?" in text_of(alices_browser, f"{PAGE}/{second.pk}/delete")
    alices_browser.post(f"{PAGE}/{second.pk}/delete")
    assert kinds_of(account) == ["open_positions", "min_price"]
    actions = list(AuditRecord.objects.order_by("sequence").values_list("action", flat=True))
    assert actions == ["rule_switched_off", "rule_switched_on", *["rule_moved"] * 3, "rule_deleted"]


# --- Access ----------------------------------------------------------------------------------------------------


def test_bob_and_charlie_reach_no_rule_of_alice(
    bobs_browser: Client, charlies_browser: Client, account: BrokerAccount, bob: User
) -> None:
    rule = make_rule(account, last_blocked_at=NOW, last_blocked_reason="Alice's reason")
    account_of(bob)
    assert "Alice" not in bobs_browser.get(PAGE).content.decode()
    assert charlies_browser.get(PAGE).status_code == 302
    for action in ("", "/delete"):
        assert bobs_browser.get(f"{PAGE}/{rule.pk}{action}").status_code == 404
        assert charlies_browser.get(f"{PAGE}/{rule.pk}{action}").status_code == 302
    for action in ("", "/on", "/off", "/up", "/down", "/delete"):
        assert bobs_browser.post(f"{PAGE}/{rule.pk}{action}", {"limit": "1"}).status_code == 404
        assert charlies_browser.post(f"{PAGE}/{rule.pk}{action}", {"limit": "1"}).status_code == 302
    for action in ("/sectors", "/account", "/add/min_price"):
        assert charlies_browser.post(f"{PAGE}{action}").status_code == 302
    before = (rule.limit, rule.enabled)
    rule.refresh_from_db()
    assert (rule.limit, rule.enabled) == before


def test_buttons_accept_only_post(alices_browser: Client, account: BrokerAccount) -> None:
    rule = make_rule(account)
    for action in ("/on", "/off", "/up", "/down"):
        assert alices_browser.get(f"{PAGE}/{rule.pk}{action}").status_code == 405
    assert alices_browser.get(f"{PAGE}/account").status_code == 405
    assert alices_browser.get(f"{PAGE}/sectors")["Location"] == PAGE  # a refused form is shown there
    assert alices_browser.post(PAGE).status_code == 405


def test_the_region_alone_is_sent_to_htmx(alices_browser: Client, account: BrokerAccount) -> None:
    make_rule(account)
    response = alices_browser.get(PAGE, headers={"HX-Request": "true"})
    assert response.templates[0].name == "livetrading/_risk_rules.html"


def test_the_number_of_queries_does_not_grow(alices_browser: Client, alice: User, account: BrokerAccount) -> None:
    counts = []
    for number in (1, 10):
        for _ in range(number):
            make_paper_trade(user=alice)
            make_order(user=alice, account=account)
        for kind in list(KINDS)[: number * 2]:
            AccountRule.objects.get_or_create(account=account, kind=kind, defaults={"limit": 1})
        with CaptureQueriesContext(connection) as queries:
            alices_browser.get(PAGE)
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- New accounts ----------------------------------------------------------------------------------------------


def test_a_new_account_has_the_rules_that_are_on(alice: User) -> None:
    account = active_account(alice.pk, Mode.PAPER)
    rules = list(account.rules.all())
    assert [rule.kind for rule in rules] == ON
    assert [float(rule.limit or 0) for rule in rules] == [KINDS[key].default for key in ON]
    assert all(rule.enabled and not rule.flatten for rule in rules)


def test_every_default_is_within_its_bounds() -> None:
    for kind in KINDS.values():
        assert kind.default is None or kind.low <= kind.default <= kind.high
        assert not kind.on or kind.default is not None


def test_after_a_refused_form_of_sectors_the_bar_leads_back_to_the_page(
    account: BrokerAccount, alices_browser: Client
) -> None:
    address = f"http://testserver{PAGE}/sectors"
    pressed = alices_browser.post("/dashboard/mode", {"mode": "paper"}, headers={"Referer": address})
    assert alices_browser.get(pressed["Location"])["Location"] == PAGE
