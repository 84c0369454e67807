"""The figures of the top bar: those of the pages, at a constant cost."""

from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from livetrading.models import LiveStrategy, PaperTrade
from livetrading.summaries.account import read_account
from livetrading.summaries.open_risk import OpenRisk
from livetrading.summaries.top_bar import read_figures, read_top_bar
from tests.livetrading.factories import (
    NOW,
    WALL,
    account_of,
    make_desk_rows,
    make_live_strategy,
    make_paper_trade,
    report_figures,
)
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.services import load_samples

STATUS = "/dashboard/status"


def test_the_figures_are_those_of_the_account(alice: User) -> None:
    load_samples(WALL)
    make_desk_rows(alice, 3)
    report_figures(alice, equity=101_000, cash=50_000)
    account, figures = account_of(alice), read_figures(account_of(alice), Mode.PAPER, NOW)
    summary = read_account(alice, Mode.PAPER, NOW)
    assert (figures.equity, figures.today, figures.return_today) == (
        summary.equity,
        summary.performance.today,
        summary.return_today,
    )
    assert figures.risk == summary.risk
    assert 0 < figures.risk.dollars < summary.market_value
    assert figures.risk_share == pytest.approx(float(figures.risk.dollars) / 101_000)
    PaperTrade.objects.filter(account=account).update(stop_price=None)
    without = read_figures(account, Mode.PAPER, NOW)
    assert without.risk == OpenRisk(summary.market_value, tuple(p.symbol for p in summary.positions))


def test_before_an_account_is_opened(alice: User) -> None:
    paper, live = read_figures(None, Mode.PAPER, NOW), read_figures(None, Mode.LIVE, NOW)
    assert (paper.equity, paper.today, paper.risk, paper.risk_share) == (100_000, 0, OpenRisk(), 0)
    assert (live.equity, live.return_today, live.risk_share) == (None, None, None)


def test_the_cost_does_not_grow_with_the_history(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    load_samples(WALL)
    make_desk_rows(alice, 2)
    make_desk_rows(bob, 30)
    for user in (alice, bob):
        with django_assert_num_queries(9):
            bar = read_top_bar(user, NOW, WALL)
        assert bar.figures.risk.dollars > 0


def test_the_bar_counts_what_runs_in_its_mode(alice: User, bob: User) -> None:
    make_live_strategy(user=alice)
    make_live_strategy(user=alice, status=LiveStrategy.Status.PAUSED)
    make_live_strategy(user=alice, mode=Mode.LIVE)
    make_live_strategy(user=bob)
    assert read_top_bar(alice, NOW, WALL).running == 1


def test_the_status_shows_the_figures_of_its_user_alone(
    alice: User, alices_browser: Client, bobs_browser: Client, charlies_browser: Client
) -> None:
    load_samples(WALL)
    make_paper_trade(user=alice, stop_price=Decimal(27))
    report_figures(alice, equity=123_456, cash=50_000)
    assert "$123,456.00" in alices_browser.get(STATUS).content.decode()
    bobs = bobs_browser.get(STATUS).content.decode()
    assert ("$123,456.00" in bobs, "$100,000.00" in bobs) == (False, True)
    assert charlies_browser.get(STATUS).status_code == 302
