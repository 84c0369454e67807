"""The comparison of backtests through the API."""

import pytest

from strategies.models import Strategy
from tests.api.backtesting import URL, run_completed
from tests.api.client import ApiClient, field_messages
from tests.livetrading.factories import make_backtest
from tradedesk.accounts.models import User

pytestmark = pytest.mark.usefixtures("market")


def test_two_backtests_are_compared_in_the_order_of_the_ids(alices: ApiClient, strategy: Strategy) -> None:
    one = run_completed(alices, strategy)
    two = run_completed(alices, strategy, initial_capital=50_000, end_date="2009-12-31")
    response = alices.get(f"{URL}/compare?ids={two['id']},{one['id']}").json
    assert [item["id"] for item in response["backtests"]] == [two["id"], one["id"]]
    assert len(response["notes"]) == 2
    for item, alone in zip(response["backtests"], (two, one), strict=True):
        assert item["metrics"] == alone["metrics"]
        curve = item["normalized_equity"]
        assert [point["time"] for point in curve] == [point["time"] for point in alone["equity_curve"]]
        assert curve[0]["value"] == 100
        assert curve[-1]["value"] == pytest.approx(100 + alone["metrics"]["total_return_pct"])


@pytest.mark.parametrize("count", [0, 1, 5])
def test_fewer_than_two_and_more_than_four_are_refused(alices: ApiClient, alice: User, count: int) -> None:
    ids = ",".join(str(make_backtest(user=alice).pk) for _ in range(count))
    assert set(field_messages(alices.get(f"{URL}/compare?ids={ids}"))) == {"ids"}


@pytest.mark.parametrize("ids", ["x", "1.5,2", "9" * 50, "%00"])
def test_an_invalid_id_is_refused(alices: ApiClient, ids: str) -> None:
    assert set(field_messages(alices.get(f"{URL}/compare?ids={ids}"))) == {"ids"}


def test_ids_are_required(alices: ApiClient) -> None:
    assert field_messages(alices.get(f"{URL}/compare")).keys() == {"ids"}


def test_a_backtest_that_is_not_completed_is_refused(alices: ApiClient, alice: User) -> None:
    one, queued = make_backtest(user=alice), make_backtest(user=alice, status="queued", metrics={})
    response = alices.get(f"{URL}/compare?ids={one.pk},{queued.pk}")
    assert set(field_messages(response)) == {"ids"}


def test_a_backtest_of_another_user_is_404(bobs: ApiClient, alice: User, bob: User) -> None:
    own, foreign = make_backtest(user=bob), make_backtest(user=alice)
    response = bobs.get(f"{URL}/compare?ids={own.pk},{foreign.pk}")
    assert response.status == 404
    assert str(foreign.pk) in response.json["detail"]
