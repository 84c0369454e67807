"""What an account still allows: its funds and its rules, asked for each entry of a check, one after the other.

An entry that is granted counts for the next ones, so the strategies of a set, and the entries of a strategy, never
use the same money or the same limit twice.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

import numpy as np
from django.db.models import F

from livetrading.brokers.protocol import Capabilities
from livetrading.models import AccountRule, BrokerAccount, Order
from livetrading.pipeline.account_figures import read_figures, read_rules
from livetrading.pipeline.account_rules import AccountFigures, Block, ProposedEntry, RuleValues, find_block
from livetrading.pipeline.evaluate import SignalEvent
from livetrading.pipeline.funds import Funds, reserve_of
from livetrading.pipeline.gate import OPEN, Held, Verdict
from livetrading.pipeline.in_flight import funds_of, read_in_flight
from livetrading.pipeline.tickets import collar_price
from tradedesk.core.bars import Bars
from tradedesk.marketdata.library import closed
from tradedesk.marketdata.quotes import load_readable

VOLUME_BARS = 20


@dataclass(slots=True)
class Allowance:
    """figures: None when the account has no enabled rule. blocks: of the rules that held an entry back."""

    funds: Funds
    rules: list[RuleValues] = field(default_factory=list)
    figures: AccountFigures | None = None
    blocks: list[Block] = field(default_factory=list)

    @classmethod
    def read(
        cls, account: BrokerAccount, capabilities: Capabilities, reported: Collection[str], now: datetime
    ) -> Self:
        """account: under its row lock. The number of queries depends only on that of the timeframes held."""
        in_flight = read_in_flight(account)
        rules = read_rules(account, now)
        figures = read_figures(account, in_flight, now) if rules else None
        return cls(funds_of(account, in_flight, capabilities, reported), rules, figures)

    def block(self, entry: ProposedEntry) -> Verdict:
        """Whether a rule holds the entry back."""
        found = None if self.figures is None else find_block(self.rules, self.figures, entry)
        if found is None:
            return OPEN
        self.blocks.append(found)
        return Verdict(Held.ACCOUNT_RULE, found.reason)


@dataclass(slots=True)
class StrategyAllowance:
    """The allowance as one live strategy uses it. history: the closed bars of its symbols."""

    whole: Allowance
    live_id: int
    history: Mapping[str, Bars]
    fractional: bool

    @classmethod
    def for_orders(
        cls, whole: Allowance, live_id: int, history: Mapping[str, Bars], *, fractional: bool, ordered: bool
    ) -> Self:
        """ordered: False for signals that are only recorded, which use nothing up."""
        if not ordered:
            whole = replace(whole, funds=deepcopy(whole.funds), figures=deepcopy(whole.figures))
        return cls(whole, live_id, history, fractional)

    def grant(self, event: SignalEvent, shares: float, *, whole: bool = False) -> tuple[float, Verdict]:
        """The shares that may be ordered; 0 with the reason. whole: no parts of a share of this symbol."""
        funds, close = self.whole.funds, event.close
        shares = funds.affordable(self.live_id, shares, close, self.fractional and not whole)
        if shares <= 0.0:
            return 0.0, Verdict(Held.BUYING_POWER, funds.refusal(close))
        last, volume = market_of(self.history.get(event.symbol))
        entry = ProposedEntry(event.symbol, shares * (last or close), last, close, volume)
        verdict = self.whole.block(entry)
        if not verdict.open:
            return 0.0, verdict
        funds.reserve(self.live_id, reserve_of(shares, close))
        if self.whole.figures is not None:
            self.whole.figures.add_order(event.symbol, entry.dollars)
        return shares, OPEN

    def sell(self, event: SignalEvent, shares: float) -> None:
        """Count a lot that is sold now."""
        self.whole.funds.proceeds += shares * event.close
        if self.whole.figures is not None:
            self.whole.figures.remove(event.symbol, shares * event.close)


def market_of(bars: Bars | None) -> tuple[float | None, float | None]:
    """The last price, and the average volume of VOLUME_BARS bars; None where there are too few bars or they have
    no volume."""
    if bars is None or not len(bars):
        return None, None
    volume = bars.volume[-VOLUME_BARS:]
    known = len(volume) == VOLUME_BARS and bool(np.isfinite(volume).all()) and bool((volume > 0).any())
    return float(bars.close[-1]), float(volume.mean()) if known else None


def rules_before_sending(order: Order, now: datetime) -> Verdict:
    """The answer of the account's rules for this entry right before it is sent."""
    rules = read_rules(order.account, now)
    if not rules:
        return OPEN
    in_flight = read_in_flight(order.account, without=order)
    figures = read_figures(order.account, in_flight, now, without=order)
    history = load_readable(order.user_id, [order.symbol], order.timeframe).get(order.symbol)
    last, volume = market_of(None if history is None else closed(history, order.timeframe, now))
    known = order.reference_price if order.signal is None else order.signal.price
    decided = None if known is None else float(known)
    price = float(order.trigger_price or 0) or last or decided or 0.0
    collar = collar_price(order.type, order.limit_price, decided, last)
    entry = ProposedEntry(order.symbol, float(order.open_quantity) * price, last, collar, volume)
    found = find_block(rules, figures, entry)
    if found is None:
        return OPEN
    note_blocks([found], now)
    return Verdict(Held.ACCOUNT_RULE, found.reason)


def note_blocks(blocks: Iterable[Block], now: datetime) -> None:
    """Store when each rule blocked an entry last, and why. One query for each rule that blocked."""
    found = list(blocks)
    reasons = {block.rule_id: block.reason for block in found}
    for rule_id, times in Counter(block.rule_id for block in found).items():
        AccountRule.objects.filter(pk=rule_id).update(
            blocked_count=F("blocked_count") + times,
            last_blocked_at=now,
            last_blocked_reason=reasons[rule_id][:300],
        )
