"""A live strategy with a stored comparison and a night."""

from datetime import timedelta
from typing import Any

from livetrading.models import ComparedFill, Comparison, DecisionDifference, DecisionReplay, LiveStrategy
from tests.livetrading.factories import NOW, TODAY, WALL
from tradedesk.marketdata.sessions import daily_time

FIGURES: dict[str, Any] = {
    "sessions": 103,
    "live": 1933.12,
    "backtest": 2017.58,
    "difference": -84.46,
    "fills": 34,
    "matches": {
        "identical": [30, 0.0],
        "late": [1, -81.51],
        "missed": [0, 0.0],
        "extra": [0, 0.0],
        "price": [3, -2.95],
    },
    "sizes": [0, 0.0],
    "slippage": {"fills": 33, "paid": 12.5, "assumed": 10.0, "paid_bps": 1.25, "assumed_bps": 1.0},
    "closed_trades": 16,
    "tested_trades": 60,
    "range": [-735.0, 3400.0, 6559.0, 9600.0, 13717.0],
    "range_problem": "",
    "place": "lower",
    "handed_over": 0,
    "edited": False,
    "shared_account": False,
}
COLUMNS: dict[str, list[Any]] = {
    name: [1.0] for name in ("time", "live", "backtest", "difference", "p5", "p25", "p50", "p75", "p95")
}


def make_comparison(live: LiveStrategy, fills: int = 2, figures: dict[str, Any] | None = None) -> Comparison:
    """Computed at WALL; its fills are identical ones and, the newest, a late one."""
    row = Comparison.objects.create(
        live_strategy=live,
        computed_at=WALL,
        as_of=NOW,
        session=TODAY,
        figures=FIGURES | (figures or {}),
        columns=COLUMNS,
    )
    ComparedFill.objects.bulk_create(
        ComparedFill(
            comparison=row,
            number=number,
            time=daily_time(TODAY),
            symbol="IBM",
            side="buy",
            quantity=57.0,
            tested_quantity=57.0,
            price=107.17,
            tested_price=105.74,
            match="late" if number == fills else "identical",
            reason="1 session late, check delayed" if number == fills else "",
            effect=-81.51 if number == fills else 0.0,
        )
        for number in range(1, fills + 1)
    )
    return row


def make_night(live: LiveStrategy, days_ago: int = 0, differences: int = 0) -> DecisionReplay:
    row = DecisionReplay.objects.create(
        live_strategy=live,
        session=TODAY - timedelta(days=days_ago),
        decisions=4,
        identical=4 - differences,
        replayed_at=NOW,
        replayed_wall_at=WALL,
        took=timedelta(seconds=1.8),
        kept_until=NOW + timedelta(days=400),
    )
    for _ in range(differences):
        DecisionDifference.objects.create(
            replay=row,
            symbol="AAPL",
            bar_time=daily_time(TODAY),
            cause="data_corrected",
            text="Buy 166 then, Buy 181 now.",
            evidence={"then": {"close": 12.0, "checked": "16:00"}, "now": {"close": 11.0}},
        )
    return row
