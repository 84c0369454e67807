"""From events to decisions: risk and size, in the order in which a backtest decides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from livetrading.models.trade import BaseTrade
from livetrading.pipeline.book import StrategyBook
from livetrading.pipeline.evaluate import SignalEvent
from tradedesk.core.money import to_decimal
from tradedesk.core.risk import Refusal, entry_refusal
from tradedesk.core.rules import Costs, RiskRules, kernel_rules
from tradedesk.core.signals import Side
from tradedesk.core.sizing import order_quantity


@dataclass(frozen=True, slots=True)
class Funds:
    """Dollars at the close the decision is made on. equity: the account's, sizes entries. own_equity and
    own_peak: the strategy's own, limit its drawdown. day_loss: lost since the end of the session before."""

    equity: float
    own_equity: float
    own_peak: float
    day_loss: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one event: quantity 0 is a refusal, with the reason. lot: what an exit closes."""

    event: SignalEvent
    quantity: Decimal = Decimal(0)
    reason: str = ""
    lot: BaseTrade | None = None


def decide(events: Iterable[SignalEvent], book: StrategyBook, rules: RiskRules, funds: Funds) -> list[Decision]:
    """Exits first, for they free a position; then entries by strength, then symbol.

    Of several bars that closed since the last check a symbol's newest signal counts. A BUY of what is held already
    is no news (buy and hold says it at every bar) and is left out.
    """
    seen = {o.symbol: o for o in sorted(events, key=lambda o: o.bar_time)}.values()
    exits = [_exit(o, book) for o in sorted(seen, key=lambda o: o.symbol) if o.side is Side.SELL]
    leaving = {d.event.symbol for d in exits if d.quantity}
    wanted = [
        o for o in seen if o.side is Side.BUY and o.symbol not in book.lots and o.symbol not in book.entering
    ]
    entries = sorted(wanted, key=lambda o: (-o.strength, o.symbol))
    taken = len((set(book.lots) - book.exiting - leaving) | book.entering)
    decisions = list(exits)
    for event in entries:
        decision = _entry(event, rules, funds, taken)
        taken += decision.quantity > 0
        decisions.append(decision)
    return decisions


def _exit(event: SignalEvent, book: StrategyBook) -> Decision:
    symbol = event.symbol
    lot = book.lots.get(symbol)
    if lot is None:
        return Decision(event, reason=f"This strategy holds no {symbol} to sell.")
    if symbol in book.exiting:
        return Decision(event, reason=f"A sale of {symbol} is already on its way.")
    # A late SELL still acts, for a lot must not outlive its exit; but not on a lot bought after it.
    if lot.entry_time > event.bar_time:
        return Decision(event, reason=f"This lot of {symbol} was bought after that bar.")
    return Decision(event, quantity=lot.open_quantity, lot=lot)


def _entry(event: SignalEvent, rules: RiskRules, funds: Funds, taken: int) -> Decision:
    close = event.close
    if event.late:
        return Decision(event, reason="The desk was not checking when this bar closed; too late to enter.")
    # The costs belong to the account; no refusal and no size depends on them.
    limits = kernel_rules(rules, Costs())
    refusal = Refusal(
        entry_refusal(event.strength, taken, funds.day_loss, funds.own_equity, funds.own_peak, limits)
    )
    if refusal is not Refusal.NONE:
        return Decision(event, reason=refusal.message(**_facts(refusal, event, rules, funds)))
    quantity = order_quantity(funds.equity, close, limits)
    if quantity <= 0:
        budget = max(0.0, min(limits.position_size_pct * funds.equity, limits.max_position_size))
        return Decision(event, reason=Refusal.NO_SIZE.message(budget=budget, price=close))
    return Decision(event, quantity=to_decimal(quantity))


def _facts(refusal: Refusal, event: SignalEvent, rules: RiskRules, funds: Funds) -> Mapping[str, object]:
    match refusal:
        case Refusal.WEAK_SIGNAL:
            return {"strength": event.strength, "threshold": rules.signal_threshold}
        case Refusal.MAX_POSITIONS:
            return {"max_positions": rules.max_positions}
        case Refusal.DAILY_LOSS:
            return {"loss": funds.day_loss, "limit": rules.daily_loss_limit}
        case _:
            return {
                "drawdown": 1 - funds.own_equity / funds.own_peak,
                "limit": rules.max_drawdown_pct,
            }
