"""Backtests side by side: the best figures, what differs, and who may see it."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from backtests.lists.selection import LARGEST_ID, NotSelected, UnknownBacktest, selected
from backtests.models import Backtest, BacktestCurve
from backtests.reports.comparison import CAPITAL_DIFFERS, PERIODS_DIFFER, Comparison, compare
from tests.backtests.pages import text_of
from tests.livetrading.factories import make_backtest, make_strategy
from tradedesk.accounts.models import User
from tradedesk.core.rules import Costs, RiskRules

URL, CHART = "/dashboard/backtests/compare", "/dashboard/backtests/compare.json"
BARS = {
    "AAPL": {"provider": "sample", "fingerprint": "a" * 64},
    "MSFT": {"provider": "sample", "fingerprint": "b"},
}
ORIGINS = {"version": "1", "kind_code": "k", "engine_code": "e", "data": BARS}
Made = Callable[..., Backtest]


@pytest.fixture
def made(alice: User) -> Made:
    """A completed backtest of Alice's with a curve of two sessions; all of them alike in what is not told."""
    strategy = make_strategy(user=alice, name="Turtle")

    def make(**fields: Any) -> Backtest:
        values = {"costs": Costs().as_dict(), "provenance": ORIGINS, **fields}
        backtest = make_backtest(user=alice, strategy=strategy, **values)
        day = 1_199_250_000  # 2008-01-02 in New York
        BacktestCurve.objects.create(backtest=backtest, time=[day, day + 86_400], equity=[99_000, 112_500])
        return backtest

    return make


def marks(comparison: Comparison) -> dict[str, list[bool]]:
    return {row.figure.name: [best for _, best in row.cells] for row in comparison.figures}


def differing(comparison: Comparison) -> dict[str, list[str | None]]:
    return {row.label: row.values for row in comparison.terms if row.differs}


# --- The best of a row ---------------------------------------------------------------------------------------


def test_the_best_is_the_greatest_but_of_a_drawdown_the_least(made: Made) -> None:
    one = made(metrics={"total_return": 10, "max_drawdown": 5, "sharpe": None, "exposure": 90})
    two = made(metrics={"total_return": 20, "max_drawdown": 8, "sharpe": -0.5, "exposure": 10})
    three = made(metrics={"total_return": 20, "max_drawdown": 5, "sharpe": -0.7})
    found = marks(compare([one, two, three]))
    assert found["total_return"] == [False, True, True]
    assert found["max_drawdown"] == [True, False, True]
    # The only ones that have it compete.
    assert found["sharpe"] == [False, True, False]
    # More time in the market is neither better nor worse.
    assert found["exposure"] == [False, False, False]


def test_of_equals_none_is_the_best(made: Made) -> None:
    assert not any(any(cells) for cells in marks(compare([made(), made()])).values())


def test_what_grows_with_the_period_or_the_capital_is_not_compared_across_them(made: Made) -> None:
    better = {"total_return": 50, "cagr": 9, "final_equity": 150_000, "expectancy": 70}
    worse = {"total_return": 10, "cagr": 3, "final_equity": 110_000, "expectancy": 20}
    base = made(metrics=worse)
    longer = compare([base, made(metrics=better, end_date="2010-12-31")])
    assert longer.notes == [PERIODS_DIFFER]
    found = marks(longer)
    assert (found["total_return"], found["final_equity"]) == ([False, False], [False, False])
    assert (found["cagr"], found["expectancy"]) == ([False, True], [False, True])
    richer = compare([base, made(metrics=better, initial_capital=Decimal(200_000))])
    assert richer.notes == [CAPITAL_DIFFERS]
    found = marks(richer)
    assert (found["final_equity"], found["expectancy"]) == ([False, False], [False, False])
    assert found["total_return"] == [False, True]


# --- What differs --------------------------------------------------------------------------------------------


def test_what_they_were_run_with_is_told_where_it_differs(made: Made) -> None:
    rules = RiskRules(position_size_pct=0.475, max_positions=2, take_profit_pct=0.2, fractional=True).as_dict()
    other = made(parameters={"fast": 5, "slow": 30}, rules=rules, costs=Costs(slippage_bps=2.5).as_dict())
    comparison = compare([made(), other])
    assert differing(comparison) == {
        "Fast average": ["10", "5"],
        "Take profit": ["Off", "20.00%"],
        "Shares": ["Whole", "Fractional"],
        "Slippage": ["0 bps", "2.5 bps"],
    }
    assert comparison.differing == 4
    assert compare([made(), made()]).differing == 0


def test_a_parameter_that_one_kind_has_alone_is_absent_in_the_other(made: Made) -> None:
    other = made(kind="gone_kind", parameters={"depth": 3})
    found = differing(compare([made(), other]))
    assert found["Strategy kind"] == ["SMA crossover", "gone_kind"]
    assert found["Fast average"] == ["10", None]
    assert found["depth"] == [None, "3"]


def test_other_code_or_other_bars_are_told_where_they_should_have_been_alike(made: Made) -> None:
    base = made()
    split = BARS | {"AAPL": {"provider": "sample", "fingerprint": "c"}}
    for changed, words in (
        ({"engine_code": "f"}, "the engine's code changed"),
        ({"kind_code": "l"}, "the strategy's code changed"),
        ({"data": split}, "the bars of AAPL changed"),
    ):
        (note,) = compare([base, made(), made(provenance=ORIGINS | changed)]).notes
        assert words in note
    # Another kind has other code, and a symbol that only one has, no other bars.
    other = made(
        kind="macd", parameters={}, provenance=ORIGINS | {"kind_code": "m", "data": {"IBM": BARS["MSFT"]}}
    )
    assert compare([base, other]).notes == []


# --- Which can be compared -----------------------------------------------------------------------------------


def test_a_selection_keeps_its_order_and_takes_each_once(made: Made, alice: User) -> None:
    one, two, three = made(), made(), made()
    assert selected(alice, [f"{three.pk},{one.pk}", f" {two.pk} ", str(one.pk), ""]) == [three, one, two]
    assert selected(alice, []) == []


@pytest.mark.parametrize("word", ["x", "-1", "1.5", "1e3", "٣", "1;2", "NaN", "9" * 41, "' OR 1=1"])
def test_what_is_no_id_is_refused(alice: User, word: str) -> None:
    with pytest.raises(NotSelected, match="is not the number of a backtest"):
        selected(alice, [word])


@pytest.mark.parametrize("pk", [0, LARGEST_ID, LARGEST_ID + 1, 10**40 - 1])
def test_an_id_of_nothing_is_unknown_however_large(alice: User, pk: int) -> None:
    with pytest.raises(UnknownBacktest, match=f"There is no backtest {pk}."):
        selected(alice, [str(pk)])


@pytest.mark.parametrize("count", [0, 1, 5])
def test_fewer_than_two_and_more_than_four_are_refused(made: Made, alices_browser: Client, count: int) -> None:
    ids = ",".join(str(made().pk) for _ in range(count))
    for url in (URL, CHART):
        answer = alices_browser.get(url, {"ids": ids})
        assert answer.status_code == 422
        assert f"Choose 2 to 4 backtests to compare, not {count}." in text_of(answer)


@pytest.mark.parametrize("status", [status for status in Backtest.Status if status != Backtest.Status.COMPLETED])
def test_one_without_a_result_is_named(made: Made, alices_browser: Client, status: Backtest.Status) -> None:
    one, other = made(), made(status=status)
    answer = alices_browser.get(URL, {"ids": f"{one.pk},{other.pk}"})
    assert answer.status_code == 422
    assert f"Backtest {other.pk} ({other}) is {status.label.lower()}." in text_of(answer)


@pytest.mark.parametrize("ids", ["1,x", "abc", "1.5,2", "9" * 50])
def test_garbage_is_refused_in_words(alices_browser: Client, ids: str) -> None:
    for url in (URL, CHART):
        answer = alices_browser.get(url, {"ids": ids})
        assert answer.status_code == 422
        assert "is not the number of a backtest" in text_of(answer)


def test_alices_do_not_exist_for_bob(made: Made, bobs_browser: Client, charlies_browser: Client) -> None:
    one, two = made(), made()
    for url in (URL, CHART):
        answer = bobs_browser.get(url, {"ids": f"{one.pk},{two.pk}"})
        assert answer.status_code == 404
        assert f"There is no backtest {one.pk}." in text_of(answer)
        assert "Turtle" not in text_of(answer)
        assert charlies_browser.get(url, {"ids": f"{one.pk},{two.pk}"}).status_code == 302


# --- The page ------------------------------------------------------------------------------------------------


def test_the_page_sets_the_figures_beside_each_other(made: Made, alices_browser: Client) -> None:
    one = made(metrics={"total_return": 12.5, "sharpe": 0.8, "trades": 3})
    two = made(metrics={"total_return": -4, "sharpe": 1.25}, parameters={"fast": 5, "slow": 30})
    # As the boxes of the list send it.
    page = alices_browser.get(URL, {"ids": [one.pk, two.pk]})
    shown = text_of(page)
    for words in (
        f"Turtle #{one.pk} Turtle #{two.pk}",
        "Total return ★ +12.50% -4.00%",
        "Sharpe ratio 0.80 ★ 1.25",
        "Closed trades 3 —",
        "Fast average ≠ 10 5",
        "Slow average 30 30",
        "1 differs, marked ≠",
    ):
        assert words in shown
    assert f'data-url="{CHART}?ids={one.pk},{two.pk}"' in page.content.decode()
    assert len(re.findall('aria-label="Best"', page.content.decode())) == 2


def test_every_curve_begins_with_a_hundred(made: Made, alices_browser: Client) -> None:
    one, two = made(), made(initial_capital=Decimal(50_000))
    chart = json.loads(alices_browser.get(CHART, {"ids": f"{two.pk},{one.pk}"}).content)
    assert chart["base"] == 100
    assert chart["lines"] == [
        {
            "name": f"Turtle #{pk}",
            "data": [{"time": "2008-01-02", "value": first}, {"time": "2008-01-03", "value": last}],
        }
        for pk, first, last in ((two.pk, 198, 225), (one.pk, 99, 112.5))
    ]


def test_a_result_whose_curve_is_gone_has_no_line(made: Made, alices_browser: Client) -> None:
    one, two = made(), made()
    BacktestCurve.objects.filter(backtest=two).delete()
    chart = json.loads(alices_browser.get(CHART, {"ids": f"{one.pk},{two.pk}"}).content)
    assert [len(line["data"]) for line in chart["lines"]] == [2, 0]


def test_four_cost_as_many_queries_as_two(made: Made, alices_browser: Client) -> None:
    ids = [made().pk for _ in range(4)]
    for url in (URL, CHART):
        counts = []
        for some in (ids[:2], ids):
            with CaptureQueriesContext(connection) as captured:
                assert alices_browser.get(url, {"ids": some}).status_code == 200
            counts.append(len(captured))
        assert counts[0] == counts[1], url
