"""How much a new run would be, as the form stands."""

from django.test import Client

from strategies.kinds import kinds
from strategies.services import save_strategy
from tests.backtests.optimizer_pages.conftest import TOO_MANY, TOO_WIDE, URL
from tests.backtests.pages import HTMX, text_of
from tradedesk.accounts.models import User


def test_it_says_how_much_there_is_to_try(search: dict[str, str], alices_browser: Client) -> None:
    said = text_of(alices_browser.get(f"{URL}/preview", search | {"job": "search"}, headers=HTMX))
    assert said.startswith("26 combinations of 30 (4 break the strategy's own rule), about")
    assert said.endswith(", at most 2 at a time. Ranked by Sharpe ratio.")


def test_it_does_not_count_what_it_has_not_tried(search: dict[str, str], alices_browser: Client) -> None:
    asked = search | {"job": "search", "method": "tpe", "trials": "20"}
    said = text_of(alices_browser.get(f"{URL}/preview", asked, headers=HTMX))
    assert said.startswith("Up to 20 combinations , about")
    assert ", one at a time." in said


def test_it_says_which_strategies_run_on_all_symbols_together(
    alice: User, rank: dict[str, str], alices_browser: Client
) -> None:
    rotation = save_strategy(
        alice, name="R", kind="momentum_rotation", parameters={}, symbols=["IBM"], timeframe="1Day"
    )

    def said(**changes: str) -> str:
        asked = rank | {"job": "rank"} | changes
        return text_of(alices_browser.get(f"{URL}/preview", asked, headers=HTMX))

    across = sum(kind.across_symbols for kind in kinds().values())
    alone = len(kinds()) - across + 1
    assert said().startswith("1 strategy on each symbol. Ranked")
    assert said(strategies=str(rotation.pk)).startswith("1 strategy on all symbols together. Ranked")
    assert said(all_kinds="on").startswith(
        f"{alone} strategies on each symbol, {across} on all symbols together. Ranked"
    )


def test_it_says_the_formula_of_a_weighted_score(rank: dict[str, str], alices_browser: Client) -> None:
    asked = rank | {"job": "rank", "objective": "weighted", "all_kinds": "on", "weight_sharpe": "0.7"}
    said = text_of(alices_browser.get(f"{URL}/preview", asked, headers=HTMX))
    assert "strategies on each symbol" in said
    assert "Ranked by 0.7 x Sharpe ratio + 0.2 x Sortino ratio" in said
    assert said.endswith(", one that is not defined 0.")


def test_it_says_what_is_too_much(search: dict[str, str], alices_browser: Client) -> None:
    said = text_of(alices_browser.get(f"{URL}/preview", search | TOO_WIDE | {"job": "search"}, headers=HTMX))
    assert said.startswith(TOO_MANY)
    assert "try 10,000 of them at random" in said
