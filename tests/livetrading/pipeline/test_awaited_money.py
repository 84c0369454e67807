"""What of a cash difference is money on its way. Pure."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import Incident
from livetrading.pipeline.awaited_money import awaited_after, peak_of, without_awaited_fall
from livetrading.services.incidents import Difference

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
BEFORE = (NOW - timedelta(days=1)).isoformat()
CASH, POSITION = Incident.Kind.CASH, Incident.Kind.POSITION


def cash(difference: object, awaited: object | None = None, since: str = BEFORE) -> dict[Any, Any]:
    facts = {"difference": str(difference)}
    if awaited is not None:
        facts |= {"awaited": str(awaited), "since": since}
    return {(CASH, ""): facts}


def shares(size: object) -> dict[Any, Any]:
    return {(POSITION, "W"): {"difference": str(size)}}


def found(difference: object, size: object = 0) -> dict[Any, Any]:
    made = {(CASH, ""): Difference(str(difference), "0", "")}
    return made | ({(POSITION, "W"): Difference(str(size), "0", "")} if size else {})


@pytest.mark.parametrize(
    ("before", "after", "awaited", "begins"),
    [
        ({}, found(-30_000), -30_000, True),
        (cash(-30_000, -30_000), found(-30_000), -30_000, False),
        (cash("0.02", "0.02"), found("10000.02"), "10000.02", True),
        (cash("10000.02", "10000.02"), found("0.02"), "0.02", False),  # the deposit was listed
        (cash(-30_000, -30_000), found("-30000.37"), "-30000.37", False),
        (cash("0.005", 0), found("0.01"), 0, False),
        # Shares have moved with it: a trade from outside, and a fill that the report has before the list.
        ({}, found(-1_000, 100), 0, True),
        (cash(-1_000, 0) | shares(100), found(-1_500, 150), 0, False),
        (cash(-1_000, 0) | shares(100), found(-6_000, 100), -5_000, True),
        (cash(-6_000, -5_000) | shares(100), found(-5_000), -5_000, False),
    ],
)
def test_money_without_shares_is_awaited(before: Any, after: Any, awaited: object, begins: bool) -> None:
    expected = Decimal(str(awaited))
    assert awaited_after(before, after, NOW) == (expected, NOW if begins else NOW - timedelta(days=1))


def test_awaited_money_raises_no_peak_and_hides_no_loss() -> None:
    came, went, equity = Decimal(10), Decimal(-10), Decimal(100)
    assert (peak_of(equity, came), peak_of(equity, went)) == (90, 100)
    assert (without_awaited_fall(equity, came), without_awaited_fall(equity, went)) == (100, 110)
