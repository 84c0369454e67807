"""The command palette: what it finds for whom, in which order, at which cost."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from livetrading.summaries import palette
from livetrading.summaries.palette import SHOWN, Item, best, find
from tests.livetrading.factories import WALL, make_live_strategy, make_strategy
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.services import load_samples

URL = "/dashboard/palette"
ENTRIES = [
    Item("Pages", label, words=words)
    for label, words in [("Risk Rules", "limits"), ("My rules", ""), ("Rules", "")]
]


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        ([], ["Risk Rules", "My rules", "Rules"]),
        # Beginning so, then in the label, then by another word.
        (["rules"], ["Rules", "Risk Rules", "My rules"]),
        (["limits"], ["Risk Rules"]),
        (["rules", "my"], ["My rules"]),
        (["nothing"], []),
    ],
)
def test_the_best_matches_come_first(words: list[str], labels: list[str]) -> None:
    assert [entry.label for entry in best(ENTRIES, words)] == labels


def test_at_most_so_many_of_a_group() -> None:
    assert len(best([Item("Pages", f"Page {number}") for number in range(50)], ["page"])) == SHOWN


def labels(browser: Client, query: str) -> list[tuple[str, str]]:
    response = browser.get(URL, {"q": query})
    assert response.status_code == 200
    return [(entry["group"], entry["label"]) for entry in response.json()["results"]]


def test_each_user_finds_what_is_the_users(
    alice: User, bob: User, alices_browser: Client, bobs_browser: Client, charlies_browser: Client
) -> None:
    load_samples(WALL)
    strategy = make_strategy(user=alice, name="Crossing averages")
    live = make_live_strategy(user=alice, strategy=strategy, name="Crossing live")
    series = BarSeries.objects.filter(symbol="IBM")
    series.update(owner=bob)
    found = alices_browser.get(URL, {"q": "crossing"}).json()["results"]
    assert [(entry["url"], entry["group"]) for entry in found] == [
        (f"/dashboard/live-trading/{live.pk}", "Strategies"),
        (f"/dashboard/strategies/{strategy.pk}", "Strategies"),
    ]
    assert labels(bobs_browser, "crossing") == []
    assert (labels(alices_browser, "ibm"), labels(bobs_browser, "ibm")) == ([], [("Symbols", "IBM")])
    assert labels(alices_browser, " aap") == [("Symbols", "AAPL")]
    assert charlies_browser.get(URL).status_code == 302


def test_pages_and_actions(alice: User, alices_browser: Client) -> None:
    shown = labels(alices_browser, "")
    assert {group for group, _ in shown} == {"Pages", "Actions"}
    assert shown[0] == ("Pages", "Home")
    assert ("Actions", "Stop trading") in labels(alices_browser, "halt")
    assert ("Actions", "Switch to live") in labels(alices_browser, "live")
    User.objects.filter(pk=alice.pk).update(mode=Mode.LIVE)
    assert ("Actions", "Switch to live") not in labels(alices_browser, "live")
    (theme,) = [entry for entry in find(alice, "theme") if entry.do]
    assert (theme.do, theme.url) == ("theme", "")


@pytest.mark.parametrize(
    ("query", "status"), [("x" * 100, 200), ("x" * 101, 400), ("a\0b", 200), ("%_'\"\\", 200)]
)
def test_any_text_is_answered(alices_browser: Client, query: str, status: int) -> None:
    response = alices_browser.get(URL, {"q": query})
    assert response.status_code == status
    assert ("detail" in response.json()) == (status == 400)
    assert alices_browser.post(URL, {"q": query}).status_code == 405


def test_the_cost_does_not_grow(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(palette, "SEARCHED", 2)
    for number in range(4):
        make_live_strategy(
            user=alice, strategy=make_strategy(user=alice, name=f"Rules {number}"), name=f"Live {number}"
        )
        with django_assert_num_queries(3):
            found = find(alice, "rules")
    assert [entry.label for entry in found if entry.group == "Strategies"] == ["Rules 3", "Rules 2"]
    with django_assert_num_queries(0):
        find(alice, "")
