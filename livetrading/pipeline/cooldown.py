"""Cooldown after a loss: how many bars of each symbol have closed since its last lot was sold at a loss."""

from collections.abc import Iterable, Mapping

import numpy as np
from django.db.models import Max

from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.models.trade import trades_of
from livetrading.pipeline.evaluate import Evaluation
from tradedesk.core.bars import to_datetime64
from tradedesk.core.signals import Side

# By the id of the live strategy, then by symbol.
BarsSinceLoss = dict[int, dict[str, int]]


def bars_since_loss(
    account: BrokerAccount, strategies: Iterable[LiveStrategy], evaluations: Mapping[int, Evaluation]
) -> BarsSinceLoss:
    """The bars of each symbol since the one in which it was last sold at a loss, up to the newest; 0 when that was
    the newest. Symbols without a loss are missing. One query, none unless a strategy with the rule has a BUY."""
    wanted = [
        live.pk
        for live in strategies
        if live.risk_rules().cooldown_bars and any(e.side is Side.BUY for e in evaluations[live.pk].events)
    ]
    found: BarsSinceLoss = {pk: {} for pk in wanted}
    if not wanted:
        return found
    losses = trades_of(account, account.mode).filter(live_strategy__in=wanted, exit_time__isnull=False, pnl__lt=0)
    last = losses.order_by().values_list("live_strategy_id", "symbol").annotate(at=Max("exit_time"))
    for live_id, symbol, at in last:
        history = evaluations[live_id or 0].history.get(symbol)
        if history is not None:
            # The sale was in the last bar that opened at its time or before.
            bar = int(np.searchsorted(history.time, to_datetime64(at), side="right")) - 1
            found[live_id or 0][symbol] = len(history) - 1 - bar
    return found
