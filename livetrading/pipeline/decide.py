"""From signal events to decisions: risk and size, in the order of a backtest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import inf

from livetrading.brokers.protocol import Asset
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.models.trade import Trade
from livetrading.pipeline.allowance import StrategyAllowance
from livetrading.pipeline.book import StrategyBook
from livetrading.pipeline.codes import code_of
from livetrading.pipeline.evaluate import SignalEvent
from livetrading.pipeline.gate import TOO_LATE, Verdict
from tradedesk.core.fills import trailing_distance
from tradedesk.core.money import to_decimal
from tradedesk.core.risk import EntryState, Refusal, entry_refusal, size_refusal
from tradedesk.core.rules import Costs, RiskRules, kernel_rules
from tradedesk.core.signals import Side
from tradedesk.core.sizing import order_quantity


@dataclass(frozen=True, slots=True)
class EquityState:
    """Dollars at the close on which the decision is made. equity: of the account, for the size of entries; None
    when the broker did not report it. own_equity, own_peak: of the strategy, for its drawdown limit. day_loss:
    realized and open, since the end of the previous session."""

    equity: float | None
    own_equity: float
    own_peak: float
    day_loss: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on one signal event. quantity: 0 when it is refused, for `reason`, of which `code` is the word.
    lot: the lot that an exit closes. trailing_distance: dollars, of a trailing stop by ATR; infinity without
    one. sized: of an entry, the shares by its rules, before the account's funds and rules are asked."""

    event: SignalEvent
    code: Code = Code.ORDERED
    quantity: Decimal = Decimal(0)
    reason: str = ""
    lot: Trade | None = None
    trailing_distance: float = float("inf")
    sized: float = 0.0


def decide(
    events: Iterable[SignalEvent],
    book: StrategyBook,
    rules: RiskRules,
    equity_state: EquityState,
    entries_gate: Verdict,
    bars_since_loss: Mapping[str, int] | None = None,
    allowance: StrategyAllowance | None = None,
    size_fraction: float = 1.0,
    assets: Mapping[str, Asset] | None = None,
) -> list[Decision]:
    """Exits first, because they free a position; then entries by strength descending, then symbol.

    entries_gate: the gate's answer for entries of this strategy. bars_since_loss: by symbol, for those that were
    sold at a loss (pipeline.cooldown). allowance: what the account still allows; None allows everything.
    size_fraction: entries have this part of the size that the rules give; every other rule stays as it is. assets:
    what the broker says of the symbols, as far as it is known.

    When several bars have closed since the last check, only the newest signal of a symbol counts. A BUY of a
    symbol that is held or ordered already is left out: buy and hold signals it on every bar.
    """
    newest = {e.symbol: e for e in sorted(events, key=lambda e: e.bar_time)}.values()
    exits = [_exit(e, book) for e in sorted(newest, key=lambda e: e.symbol) if e.side is Side.SELL]
    closing = {d.event.symbol for d in exits if d.quantity}
    for d in exits:
        if allowance is not None and d.quantity:
            allowance.sell(d.event, float(d.quantity))
    buys = [
        e for e in newest if e.side is Side.BUY and e.symbol not in book.lots and e.symbol not in book.entering
    ]
    entries = sorted(buys, key=lambda e: (-e.strength, e.symbol))
    open_positions = len((book.lots.keys() - book.exiting - closing) | book.entering)
    decisions = list(exits)
    for event in entries:
        waited = (bars_since_loss or {}).get(event.symbol, inf)
        asset = (assets or {}).get(event.symbol, Asset())
        decision = _entry(
            event, rules, equity_state, open_positions, waited, entries_gate, allowance, size_fraction, asset
        )
        open_positions += decision.quantity > 0
        decisions.append(decision)
    return decisions


def _exit(event: SignalEvent, book: StrategyBook) -> Decision:
    symbol = event.symbol
    lot = book.lots.get(symbol)
    if lot is None:
        return Decision(event, Code.NOTHING_TO_SELL, reason=f"This strategy holds no {symbol} shares to sell.")
    if symbol in book.exiting:
        return Decision(event, Code.ALREADY_SELLING, reason=f"A sell order for {symbol} is already working.")
    # A late SELL still closes the lot, unless the lot was bought after the signal.
    if lot.entry_time >= event.closed_at:
        reason = f"The open lot of {symbol} was bought after this signal."
        return Decision(event, Code.BOUGHT_AFTER_SIGNAL, reason=reason)
    return Decision(event, quantity=lot.open_quantity, lot=lot)


def _entry(
    event: SignalEvent,
    rules: RiskRules,
    equity_state: EquityState,
    open_positions: int,
    waited: float,
    entries_gate: Verdict,
    allowance: StrategyAllowance | None,
    size_fraction: float,
    asset: Asset,
) -> Decision:
    close = event.close
    if event.stale:
        reason = f"The newest bar of {event.symbol} is too old for an entry: a newer one should have arrived."
        return Decision(event, Code.STALE_DATA, reason=reason)
    if event.feed_fails:
        reason = f"The market data of {event.symbol} fails, so there are no entries. The data page says why."
        return Decision(event, Code.STALE_DATA, reason=reason)
    if event.late:
        return Decision(event, Code.LATE, reason=TOO_LATE)
    if not entries_gate.open:
        return Decision(event, code_of(entries_gate.held), reason=entries_gate.reason)
    if asset.problem:
        return Decision(event, Code.UNTRADABLE, reason=asset.problem)
    if equity_state.equity is None:
        return Decision(event, Code.NO_EQUITY, reason="The broker did not report the account's equity.")
    if not asset.fractionable:
        rules = replace(rules, fractional=False)
    # Costs belong to the account; refusals and sizes do not depend on them.
    limits = kernel_rules(rules, Costs())
    distance = trailing_distance(event.true_range, limits.trailing_stop_atr)
    state = EntryState(
        event.strength,
        open_positions,
        equity_state.day_loss,
        equity_state.own_equity,
        equity_state.own_peak,
        distance,
        waited,
    )
    refusal = Refusal(entry_refusal(state, limits))
    if refusal is not Refusal.NONE:
        return Decision(event, code_of(refusal), reason=refusal.message(state=state, rules=limits))
    sized = limits._replace(
        position_size_pct=limits.position_size_pct * size_fraction,
        max_position_size=limits.max_position_size * size_fraction,
    )
    quantity = order_quantity(equity_state.equity, close, sized)
    refusal = Refusal(size_refusal(quantity))
    if refusal is not Refusal.NONE:
        budget = max(0.0, min(sized.position_size_pct * equity_state.equity, sized.max_position_size))
        reason = refusal.message(budget=budget, price=close, shares=quantity)
        return Decision(event, code_of(refusal), reason=reason)
    sized = quantity
    if allowance is not None:
        quantity, verdict = allowance.grant(event, quantity, whole=not rules.fractional)
        if not verdict.open:
            return Decision(event, code_of(verdict.held), reason=verdict.reason, sized=sized)
    return Decision(event, quantity=to_decimal(quantity), trailing_distance=distance, sized=sized)
