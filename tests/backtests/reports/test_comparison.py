"""Comparing backtests: best figures, differences, selection, ownership."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from backtests.lists.selection import LARGEST_ID, InvalidSelection, UnknownBacktest, selected
from backtests.models import Backtest, BacktestCurve
from backtests.reports.comparison import CAPITAL_DIFFERS, ORIGINS_DIFFER, PERIODS_DIFFER, Comparison, comparison_of
from tests.backtests.pages import row_of, tags_of, text_of
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
    """A completed backtest of Alice's with an equity curve of two sessions; `fields` change the defaults."""
    strategy = make_strategy(user=alice, name="Turtle")

    def make(**fields: Any) -> Backtest:
        values = {"costs": Costs().as_dict(), "provenance": ORIGINS, **fields}
        backtest = make_backtest(user=alice, strategy=strategy, **values)
        day = 1_199_250_000  # 2008-01-02 in New York
        BacktestCurve.objects.create(backtest=backtest, time=[day, day + 86_400], equity=[99_000, 112_500])
        return backtest

    return make


def best_cells(comparison: Comparison) -> dict[str, list[bool]]:
    return {row.figure.name: [best for _, best, _ in row.cells] for row in comparison.figures}


def differing(comparison: Comparison) -> dict[str, list[str | None]]:
    return {row.label: row.values for row in comparison.setup if row.differs}


# --- Best figures --------------------------------------------------------------------------------------------


def test_the_best_is_the_highest_value_or_the_lowest_drawdown(made: Made) -> None:
    one = made(metrics={"total_return": 0.1, "max_drawdown": 0.05, "sharpe": None, "exposure": 0.9})
    two = made(metrics={"total_return": 0.2, "max_drawdown": 0.08, "sharpe": -0.5, "exposure": 0.1})
    three = made(metrics={"total_return": 0.2, "max_drawdown": 0.05, "sharpe": -0.7})
    found = best_cells(comparison_of([one, two, three]))
    assert found["total_return"] == [False, True, True]
    assert found["max_drawdown"] == [True, False, True]
    # Backtests without the figure are left out.
    assert found["sharpe"] == [False, True, False]
    # Exposure is neither good nor bad.
    assert found["exposure"] == [False, False, False]


def test_equal_values_have_no_best(made: Made) -> None:
    assert not any(any(cells) for cells in best_cells(comparison_of([made(), made()])).values())


def test_figures_that_grow_with_period_or_capital_are_not_compared_across_them(made: Made) -> None:
    better = {"total_return": 0.5, "cagr": 0.09, "final_equity": 150_000, "expectancy": 70}
    worse = {"total_return": 0.1, "cagr": 0.03, "final_equity": 110_000, "expectancy": 20}
    base = made(metrics=worse)
    longer = comparison_of([base, made(metrics=better, end_date="2010-12-31")])
    assert longer.notes == [PERIODS_DIFFER]
    found = best_cells(longer)
    assert (found["total_return"], found["final_equity"]) == ([False, False], [False, False])
    assert (found["cagr"], found["expectancy"]) == ([False, True], [False, True])
    richer = comparison_of([base, made(metrics=better, initial_capital=Decimal(200_000))])
    assert richer.notes == [CAPITAL_DIFFERS]
    found = best_cells(richer)
    assert (found["final_equity"], found["expectancy"]) == ([False, False], [False, False])
    assert found["total_return"] == [False, True]


# --- Differences ---------------------------------------------------------------------------------------------


def test_differing_rules_and_parameters_are_listed(made: Made) -> None:
    rules = RiskRules(position_size_pct=0.475, max_positions=2, take_profit_pct=0.2, fractional=True).as_dict()
    other = made(parameters={"fast": 5, "slow": 30}, rules=rules, costs=Costs(slippage_bps=2.5).as_dict())
    comparison = comparison_of([made(), other])
    assert differing(comparison) == {
        "Fast average": ["10", "5"],
        "Take profit": ["Off", "20.00%"],
        "Fractional shares": ["No", "Yes"],
        "Slippage": ["0 bps", "2.5 bps"],
    }
    assert comparison.differing == 4
    assert comparison_of([made(), made()]).differing == 0


def test_a_parameter_of_one_kind_is_missing_in_the_other(made: Made) -> None:
    other = made(kind="gone_kind", parameters={"depth": 3})
    found = differing(comparison_of([made(), other]))
    assert found["Strategy kind"] == ["SMA crossover", "gone_kind"]
    assert found["Fast average"] == ["10", None]
    assert found["depth"] == [None, "3"]


def test_changed_code_and_changed_bars_are_noted(made: Made) -> None:
    base = made()
    split = BARS | {"AAPL": {"provider": "sample", "fingerprint": "c"}}
    for changed, part in (
        ({"engine_code": "f"}, "the engine's code"),
        ({"kind_code": "l"}, "the strategy's code"),
        ({"data": split}, "the bars of AAPL"),
    ):
        (note,) = comparison_of([base, made(), made(provenance=ORIGINS | changed)]).notes
        assert note == ORIGINS_DIFFER.format(differences=part)
    # The code of different kinds and the bars of different symbols are not compared.
    other = made(
        kind="macd", parameters={}, provenance=ORIGINS | {"kind_code": "m", "data": {"IBM": BARS["MSFT"]}}
    )
    assert comparison_of([base, other]).notes == []


def test_the_bars_of_backtests_with_different_ends_are_not_compared(made: Made) -> None:
    """A fingerprint is of the bars up to the end, so theirs differ although no bar has changed."""
    longer = {symbol: each | {"fingerprint": "longer"} for symbol, each in BARS.items()}
    base, other = made(), made(provenance=ORIGINS | {"data": longer})
    assert len(comparison_of([base, other]).notes) == 1
    other.end_date += timedelta(days=1)
    assert comparison_of([base, other]).notes == [PERIODS_DIFFER]


# --- Selection -----------------------------------------------------------------------------------------------


def test_a_selection_keeps_its_order_without_duplicates(made: Made, alice: User) -> None:
    one, two, three = made(), made(), made()
    assert selected(alice, [f"{three.pk},{one.pk}", f" {two.pk} ", str(one.pk), ""]) == [three, one, two]
    assert selected(alice, []) == []


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "1e3", "٣", "1;2", "NaN", "9" * 41, "' OR 1=1"])
def test_an_invalid_id_is_refused(alice: User, text: str) -> None:
    with pytest.raises(InvalidSelection, match="is not the number of a backtest"):
        selected(alice, [text])


@pytest.mark.parametrize("pk", [0, LARGEST_ID, LARGEST_ID + 1, 10**40 - 1])
def test_an_unknown_id_is_refused_however_large(alice: User, pk: int) -> None:
    with pytest.raises(UnknownBacktest, match=f"There is no backtest {pk}."):
        selected(alice, [str(pk)])


@pytest.mark.parametrize("count", [0, 1, 5])
def test_fewer_than_two_and_more_than_four_are_refused(made: Made, alices_browser: Client, count: int) -> None:
    ids = ",".join(str(made().pk) for _ in range(count))
    for url in (URL, CHART):
        answer = alices_browser.get(url, {"ids": ids})
        assert answer.status_code == 422
        assert f"Select 2 to 4 backtests to compare, not {count}." in text_of(answer)


@pytest.mark.parametrize("status", [status for status in Backtest.Status if status != Backtest.Status.COMPLETED])
def test_a_backtest_without_a_result_is_refused(
    made: Made, alices_browser: Client, status: Backtest.Status
) -> None:
    one, other = made(), made(status=status)
    answer = alices_browser.get(URL, {"ids": f"{one.pk},{other.pk}"})
    assert answer.status_code == 422
    assert f"Backtest {other.pk}" in text_of(answer)


@pytest.mark.parametrize("ids", ["1,x", "abc", "1.5,2", "9" * 50])
def test_invalid_ids_are_refused_by_page_and_chart(alices_browser: Client, ids: str) -> None:
    for url in (URL, CHART):
        answer = alices_browser.get(url, {"ids": ids})
        assert answer.status_code == 422


def test_bob_cannot_compare_alices_backtests(made: Made, bobs_browser: Client, charlies_browser: Client) -> None:
    one, two = made(), made()
    for url in (URL, CHART):
        answer = bobs_browser.get(url, {"ids": f"{one.pk},{two.pk}"})
        assert answer.status_code == 404
        assert "Turtle" not in text_of(answer)
        assert charlies_browser.get(url, {"ids": f"{one.pk},{two.pk}"}).status_code == 302


# --- The page ------------------------------------------------------------------------------------------------


def test_the_page_shows_figures_and_settings_side_by_side(made: Made, alices_browser: Client) -> None:
    one = made(metrics={"total_return": 0.125, "sharpe": 0.8, "trades": 3})
    two = made(metrics={"total_return": -0.04, "sharpe": 1.25}, parameters={"fast": 5, "slow": 30})
    # As the checkboxes of the list send it.
    page = alices_browser.get(URL, {"ids": [one.pk, two.pk]})
    assert row_of(page, "Figure") == [f"Turtle #{one.pk}", f"Turtle #{two.pk}"]
    assert row_of(page, "Total return") == ["★ +12.50%", "−4.00%"]
    assert row_of(page, "Sharpe ratio") == ["0.80", "★ 1.25"]
    assert row_of(page, "Closed trades") == ["3", "—"]
    assert row_of(page, "Fast average ≠") == ["10", "5"]
    assert row_of(page, "Slow average") == ["30", "30"]
    assert f'data-url="{CHART}?ids={one.pk},{two.pk}"' in tags_of(page)
    assert tags_of(page).count('aria-label="Best"') == 2


def test_every_curve_is_a_percentage_of_its_capital(made: Made, alices_browser: Client) -> None:
    one, two = made(), made(initial_capital=Decimal(50_000))
    chart = json.loads(alices_browser.get(CHART, {"ids": f"{two.pk},{one.pk}"}).content)
    assert chart["base"] == 100
    assert chart["lines"] == [
        {
            "name": f"Turtle #{pk}",
            # 2008-01-02 and the day after, as days since 1970.
            "time": [13880, 13881],
            "values": [first, last],
        }
        for pk, first, last in ((two.pk, 198, 225), (one.pk, 99, 112.5))
    ]


def test_a_result_without_a_curve_has_an_empty_line(made: Made, alices_browser: Client) -> None:
    one, two = made(), made()
    BacktestCurve.objects.filter(backtest=two).delete()
    chart = json.loads(alices_browser.get(CHART, {"ids": f"{one.pk},{two.pk}"}).content)
    assert [len(line["values"]) for line in chart["lines"]] == [2, 0]


def test_the_number_of_queries_is_constant(made: Made, alices_browser: Client) -> None:
    ids = [made().pk for _ in range(4)]
    for url in (URL, CHART):
        counts = []
        for some in (ids[:2], ids):
            with CaptureQueriesContext(connection) as captured:
                assert alices_browser.get(url, {"ids": some}).status_code == 200
            counts.append(len(captured))
        assert counts[0] == counts[1], url
