"""Backtests side by side through the API."""

import pytest

from strategies.models import Strategy
from tests.api.backtesting import URL, completed
from tests.api.caller import Caller, problems
from tests.livetrading.factories import make_backtest
from tradedesk.accounts.models import User

pytestmark = pytest.mark.usefixtures("market")


def test_two_are_compared_in_the_order_of_their_ids(alices: Caller, strategy: Strategy) -> None:
    one = completed(alices, strategy)
    two = completed(alices, strategy, initial_capital=50_000, end_date="2009-12-31")
    answer = alices.get(f"{URL}/compare?ids={two['id']},{one['id']}").json
    assert [item["id"] for item in answer["backtests"]] == [two["id"], one["id"]]
    assert len(answer["notes"]) == 2
    for item, alone in zip(answer["backtests"], (two, one), strict=True):
        assert item["metrics"] == alone["metrics"]
        curve = item["normalized_equity"]
        assert [point["time"] for point in curve] == [point["time"] for point in alone["equity_curve"]]
        assert curve[0]["value"] == 100
        assert curve[-1]["value"] == pytest.approx(100 + alone["metrics"]["total_return_pct"])


@pytest.mark.parametrize("count", [0, 1, 5])
def test_fewer_than_two_and_more_than_four_are_refused(alices: Caller, alice: User, count: int) -> None:
    ids = ",".join(str(make_backtest(user=alice).pk) for _ in range(count))
    words = f"Choose 2 to 4 backtests to compare, not {count}."
    assert problems(alices.get(f"{URL}/compare?ids={ids}")) == {"ids": words}


@pytest.mark.parametrize("ids", ["x", "1.5,2", "9" * 50, "%00"])
def test_what_is_no_id_is_refused(alices: Caller, ids: str) -> None:
    assert "is not the number of a backtest" in problems(alices.get(f"{URL}/compare?ids={ids}"))["ids"]


def test_ids_are_required_to_compare(alices: Caller) -> None:
    assert problems(alices.get(f"{URL}/compare")) == {"ids": "This is required."}


def test_one_without_a_result_is_not_compared(alices: Caller, alice: User) -> None:
    one, queued = make_backtest(user=alice), make_backtest(user=alice, status="queued", metrics={})
    found = problems(alices.get(f"{URL}/compare?ids={one.pk},{queued.pk}"))
    assert "is queued. Only completed backtests can be compared." in found["ids"]


def test_anothers_are_not_compared(bobs: Caller, alice: User, bob: User) -> None:
    own, foreign = make_backtest(user=bob), make_backtest(user=alice)
    answer = bobs.get(f"{URL}/compare?ids={own.pk},{foreign.pk}")
    assert (answer.status, answer.json) == (404, {"detail": f"There is no backtest {foreign.pk}."})
