"""A selection of backtests that cannot be compared stays selected."""

from django.test import Client

from tests.backtests.runs import Make

COMPARE, LIST = "/dashboard/backtests/compare", "/dashboard/backtests"


def ticked(page: str) -> set[str]:
    boxes = [part.split(">")[0] for part in page.split("<input")[1:]]
    return {box.split('value="')[1].split('"')[0] for box in boxes if 'name="ids"' in box and "checked" in box}


def test_too_many_stay_selected_and_can_be_compared_or_changed(make: Make, alices_browser: Client) -> None:
    ids = [str(make().pk) for _ in range(5)]
    refused = alices_browser.get(COMPARE, {"ids": ids})
    assert refused.status_code == 422
    assert ticked(refused.content.decode()) == set(ids)
    shown = alices_browser.get(LIST, {"ids": ids[:1]})
    assert ticked(shown.content.decode()) == set(ids[:1])


def test_bob_sees_none_of_alices_selection(make: Make, bobs_browser: Client) -> None:
    alices = make()
    page = bobs_browser.get(COMPARE, {"ids": [str(alices.pk), "x", "9" * 30]})
    assert page.status_code in (404, 422)
    assert ticked(page.content.decode()) == set()
    assert alices.strategy_name not in page.content.decode()
