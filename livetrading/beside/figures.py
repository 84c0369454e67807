"""The figures, the curves and the fills of a comparison, as they are stored and shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from livetrading.beside.cone import LEAST_CLOSED, PERCENTILES, Place, make_cone, place_in
from livetrading.beside.curves import profit_curve
from livetrading.beside.expectation import Expectation
from livetrading.beside.live_lots import LiveLots, read_lots
from livetrading.beside.matching import MatchedFill, count_matches, match_fills
from livetrading.beside.reasons import read_decisions, reason_of
from livetrading.beside.slippage import slippage_of
from livetrading.beside.stretch import Stretch
from livetrading.models import LiveStrategy
from livetrading.models.signal import OrderSide
from livetrading.services.wording import dollars
from tradedesk.audit.models import AuditRecord
from tradedesk.core.bars import Floats, to_datetime

CENTS, DUST = 2, 1e-6
# The audited actions after which the stretch was not traded by one set of rules.
CHANGES = ("edit", "raise_size")


@dataclass(frozen=True, slots=True)
class Compared:
    """figures, columns: JSON of models.Comparison. fills: fields of models.ComparedFill. place: None where nobody
    can say yet."""

    figures: dict[str, Any]
    columns: dict[str, list[Any]]
    fills: list[dict[str, Any]]
    place: Place | None


def compare(
    live: LiveStrategy, stretch: Stretch, expected: Expectation, tested_bps: float, assumed_bps: float
) -> Compared:
    """tested_bps: the slippage of the backtest of the stretch; assumed_bps: that of the backtest that was
    deployed."""
    own = read_lots(live, stretch)
    matched = match_fills(own.lots, stretch.lots())
    decisions = read_decisions(live, matched, stretch)
    profits = profit_curve(own.flows, stretch.closes)
    tested = stretch.result.equity[stretch.ends - stretch.first] - float(live.starting_equity)
    cone = None
    if expected.trades:
        cone = make_cone(expected.trades, len(profits), entry_dollars(live), seed=live.pk)
    figures = _figures(own, matched, profits, tested, float(live.starting_equity)) | {
        "slippage": _slippage(matched, tested_bps, assumed_bps),
        "tested_trades": len(expected.trades),
        "range": _last(cone, len(profits)),
        "range_problem": expected.problem,
        "edited": AuditRecord.objects.filter(
            user=live.user, subject_type=live._meta.model_name, subject_id=str(live.pk), action__in=CHANGES
        ).exists(),
        "shared_account": live.account.live_strategies.exclude(pk=live.pk).exists(),
    }
    place = None
    if figures["range"] is not None and own.closed >= LEAST_CLOSED:
        place = place_in(figures["live"], figures["range"])
    figures["place"] = "" if place is None else place.value
    fills = [_fill(fill, own, stretch, reason_of(fill, stretch, decisions)) for fill in matched]
    return Compared(figures, _columns(stretch, profits, tested, cone), fills, place)


def entry_dollars(live: LiveStrategy) -> float:
    """What an entry costs at the equity of the deployment."""
    rules = live.risk_rules()
    whole = rules.position_size_pct * float(live.starting_equity)
    return min(whole, rules.max_position_size or whole) * live.size_fraction


def place_text(figures: Mapping[str, Any]) -> str:
    """Where the profit is, as a sentence."""
    sentences = {
        Place.BELOW: "Below the expected range",
        Place.LOWER: "Inside the expected range, below its middle half",
        Place.MIDDLE: "Inside the middle half of the expected range",
        Place.UPPER: "Inside the expected range, above its middle half",
        Place.ABOVE: "Above the expected range",
    }
    text = sentences[Place(figures["place"])]
    low, high = figures["range"][0], figures["range"][-1]
    if Place(figures["place"]).outside:
        return f"{text}: {dollars(figures['live'])}, expected {dollars(low)} to {dollars(high)}."
    return f"{text}."


def _figures(
    own: LiveLots, matched: Sequence[MatchedFill], profits: Floats, tested: Floats, equity: float
) -> dict[str, Any]:
    live, backtest = round(float(profits[-1]), CENTS), round(float(tested[-1]), CENTS)
    pairs = [(fill, fill.live, fill.tested) for fill in matched if fill.is_entry]
    sizes = [
        fill.size_effect
        for fill, own_lot, other in pairs
        if own_lot and other and abs(own_lot.quantity - other.quantity) > DUST
    ]
    return {
        "sessions": len(profits),
        "live": live,
        "backtest": backtest,
        "difference": round(float(profits[-1] - tested[-1]), CENTS) + 0.0,
        "fills": len(matched),
        "matches": {
            match.value: [count, round(effect, CENTS) + 0.0]
            for match, (count, effect) in count_matches(matched).items()
        },
        "sizes": [len(sizes), round(sum(sizes), CENTS) + 0.0],
        "drawdown": drawdown_of(profits, equity),
        "closed_trades": own.closed,
        "handed_over": own.handed_over,
    }


def drawdown_of(profits: Floats, equity: float) -> float | None:
    """The deepest fall of the equity at the deployment plus the P&L, a fraction of its highest value before."""
    if equity <= 0:
        return None
    course = np.concatenate(([equity], equity + profits))
    highest = np.maximum.accumulate(course)
    return round(float(np.max(1 - course / highest)), 6) + 0.0


def _slippage(matched: Sequence[MatchedFill], tested_bps: float, assumed_bps: float) -> dict[str, Any]:
    found = slippage_of(matched, tested_bps, assumed_bps)
    return {
        "fills": found.fills,
        "paid": round(found.paid, CENTS) + 0.0,
        "assumed": round(found.assumed, CENTS) + 0.0,
        "paid_bps": None if found.paid_bps is None else round(found.paid_bps, 2) + 0.0,
        "assumed_bps": None if found.assumed_bps is None else round(found.assumed_bps, 2),
    }


def _last(cone: Floats | None, sessions: int) -> list[float] | None:
    """The percentiles at the last session; None without a cone, and past its end."""
    if cone is None or cone.shape[1] < sessions:
        return None
    return [round(float(value), CENTS) for value in cone[:, -1]]


def _columns(stretch: Stretch, live: Floats, tested: Floats, cone: Floats | None) -> dict[str, list[Any]]:
    """One value for each session; a column of the cone is empty without one, and ends with it."""
    seconds = stretch.matrix.time[stretch.ends].astype("datetime64[s]").astype(np.int64)
    percentiles = np.empty((len(PERCENTILES), 0)) if cone is None else cone
    return {
        "time": seconds.tolist(),
        "live": _rounded(live),
        "backtest": _rounded(tested),
        "difference": _rounded(live - tested),
        **{f"p{name}": _rounded(row) for name, row in zip(PERCENTILES, percentiles, strict=True)},
    }


def _rounded(values: Floats) -> list[float]:
    rounded: list[float] = (values.round(CENTS) + 0.0).tolist()
    return rounded


def _fill(fill: MatchedFill, own: LiveLots, stretch: Stretch, reason: str) -> dict[str, Any]:
    trade = own.trades[fill.live.key] if fill.live else None
    moment = None
    if trade is not None and fill.price is not None:
        moment = trade.entry_time if fill.is_entry else trade.exit_time
    return {
        "time": moment or to_datetime(stretch.matrix.time[fill.bar]),
        "symbol": fill.symbol,
        "side": OrderSide.BUY if fill.is_entry else OrderSide.SELL,
        "quantity": fill.live.quantity if fill.live and fill.price is not None else None,
        "tested_quantity": fill.tested.quantity if fill.tested and fill.tested_price is not None else None,
        "price": fill.price,
        "tested_price": fill.tested_price,
        "match": fill.match.value,
        "reason": reason,
        "effect": round(fill.effect, CENTS) + 0.0,
        "pnl": float(trade.pnl) if trade and not fill.is_entry and fill.price is not None else None,
    }
