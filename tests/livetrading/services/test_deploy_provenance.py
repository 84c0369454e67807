"""The provenance of a deployment: its code, and the bars that have closed when it is made."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from backtests import bars_used
from backtests.provenance import engine_code
from livetrading.services.deploy import DeployRefused, deploy
from strategies.kinds import code_hash
from tests.livetrading.factories import NOW, bars_closing_at, make_strategy
from tests.livetrading.made_bars import store_bars
from tradedesk.accounts.models import User
from tradedesk.marketdata.store import DamagedBars, fingerprint_of


def test_the_provenance_is_that_of_the_bars_that_have_closed(alice: User) -> None:
    """The last bar closes at NOW, one second after the deployment."""
    bars = bars_closing_at(10, 11, 12)
    store_bars(AAPL=bars, MSFT=bars)
    live = deploy(
        alice, make_strategy(user=alice), now=NOW - timedelta(seconds=1), wall_now=NOW - timedelta(seconds=1)
    )
    used = {"provider": "csv", "fingerprint": fingerprint_of(bars[:2]), "count": 2}
    assert live.provenance == {
        "version": settings.VERSION,
        "kind_code": code_hash("sma_crossover"),
        "engine_code": engine_code(),
        "data": {"AAPL": used, "MSFT": used},
    }


def test_a_bar_that_has_closed_at_the_deployment_counts(alice: User) -> None:
    bars = bars_closing_at(10, 11, 12)
    store_bars(AAPL=bars, MSFT=bars)
    live = deploy(alice, make_strategy(user=alice), now=NOW, wall_now=NOW)
    assert live.provenance["data"]["AAPL"]["fingerprint"] == fingerprint_of(bars)


def test_damaged_bars_are_refused(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    store_bars(AAPL=bars_closing_at(10), MSFT=bars_closing_at(10))

    def damaged(*_: Any) -> None:
        raise DamagedBars("The file of AAPL is damaged.")

    monkeypatch.setattr(bars_used, "bars_of", damaged)
    with pytest.raises(DeployRefused) as refusal:
        deploy(alice, make_strategy(user=alice), now=NOW, wall_now=NOW)
    assert refusal.value.errors == {"symbols": "The file of AAPL is damaged."}
