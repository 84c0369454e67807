"""The preview of a new run: number of combinations, time and score."""

from django.test import Client

from strategies.kinds import kinds
from strategies.services import save_strategy
from tests.backtests.optimizer_pages.conftest import TOO_MANY, TOO_WIDE, URL
from tests.backtests.pages import HTMX, text_of
from tradedesk.accounts.models import User


def preview(browser: Client, query: dict[str, str]) -> str:
    return text_of(browser.get(f"{URL}/preview", query, headers=HTMX))


def test_it_counts_the_combinations_of_a_grid(search: dict[str, str], alices_browser: Client) -> None:
    shown = preview(alices_browser, search | {"job": "search"})
    assert shown.startswith("26 combinations of 30 (4 are invalid for this strategy), about")
    assert shown.endswith(" with 2 workers. Ranked by Sharpe ratio.")


def test_it_shows_an_upper_limit_for_a_tpe_search(search: dict[str, str], alices_browser: Client) -> None:
    shown = preview(alices_browser, search | {"job": "search", "method": "tpe", "trials": "20"})
    assert shown.startswith("Up to 20 combinations , about")
    assert " with 1 worker." in shown


def test_it_counts_strategies_on_each_symbol_and_on_all_together(
    alice: User, rank: dict[str, str], alices_browser: Client
) -> None:
    rotation = save_strategy(
        alice, name="R", kind="momentum_rotation", parameters={}, symbols=["IBM"], timeframe="1Day"
    )

    def shown(**changes: str) -> str:
        return preview(alices_browser, rank | {"job": "rank"} | changes)

    across = sum(kind.across_symbols for kind in kinds().values())
    per_symbol = len(kinds()) - across + 1
    assert shown().startswith("1 strategy on each symbol. Ranked")
    assert shown(strategies=str(rotation.pk)).startswith("1 strategy on all symbols together. Ranked")
    assert shown(all_kinds="on").startswith(
        f"{per_symbol} strategies on each symbol, {across} on all symbols together. Ranked"
    )


def test_it_shows_the_formula_of_a_weighted_score(rank: dict[str, str], alices_browser: Client) -> None:
    changes = {"job": "rank", "objective": "weighted", "all_kinds": "on", "weight_sharpe": "0.7"}
    shown = preview(alices_browser, rank | changes)
    assert "Ranked by 0.7 x Sharpe ratio + 0.2 x Sortino ratio" in shown


def test_it_refuses_too_many_combinations(search: dict[str, str], alices_browser: Client) -> None:
    assert preview(alices_browser, search | TOO_WIDE | {"job": "search"}).startswith(TOO_MANY)


def test_it_says_which_part_can_never_trade(search: dict[str, str], alices_browser: Client) -> None:
    # FB has 155 bars in 2012, and a warm-up of 136 leaves 20 of them
    period = {"symbols": "FB", "start_date": "2012-05-18", "end_date": "2012-12-31", "holdout": "0"}
    ranges = {"low_slow": "50", "high_slow": "200", "step_slow": "50", "job": "search"}
    shown = preview(alices_browser, search | period | ranges)
    assert "FB: 12 of 24 combinations (Slow average 150 to 200) need more than 136 bars to warm up" in shown
    shown = preview(alices_browser, search | period | ranges | {"low_slow": "150"})
    assert shown.startswith("Every warm-up is longer than the bars of the period allow: at most 136 bars on FB")
