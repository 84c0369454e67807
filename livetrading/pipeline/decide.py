"""From observations to decisions: risk and size, in the order in which a backtest decides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from livetrading.models.trade import BaseTrade
from livetrading.pipeline.book import StrategyBook
from livetrading.pipeline.observe import Observation
from tradedesk.core.money import to_decimal
from tradedesk.core.risk import Refusal, entry_refusal
from tradedesk.core.rules import RiskRules
from tradedesk.core.signals import Side
from tradedesk.core.sizing import order_quantity

INFINITY = float("inf")


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
    """What to do about one observation: quantity 0 is a refusal, with the reason. lot: what an exit closes."""

    observation: Observation
    quantity: Decimal = Decimal(0)
    reason: str = ""
    lot: BaseTrade | None = None


def decide(
    observations: Iterable[Observation], book: StrategyBook, rules: RiskRules, funds: Funds
) -> list[Decision]:
    """Exits first, for they free a position; then entries by strength, then symbol.

    Of several bars that closed since the last check a symbol's newest signal counts. A BUY of what is held already
    is no news (buy and hold says it at every bar) and is left out.
    """
    seen = {o.symbol: o for o in sorted(observations, key=lambda o: o.bar_time)}.values()
    exits = [_exit(o, book) for o in sorted(seen, key=lambda o: o.symbol) if o.side is Side.SELL]
    leaving = {d.observation.symbol for d in exits if d.quantity}
    wanted = [
        o for o in seen if o.side is Side.BUY and o.symbol not in book.lots and o.symbol not in book.entering
    ]
    entries = sorted(wanted, key=lambda o: (-o.strength, o.symbol))
    taken = len((set(book.lots) - book.exiting - leaving) | book.entering)
    decisions = list(exits)
    for observation in entries:
        decision = _entry(observation, rules, funds, taken)
        taken += decision.quantity > 0
        decisions.append(decision)
    return decisions


def _exit(observation: Observation, book: StrategyBook) -> Decision:
    symbol = observation.symbol
    lot = book.lots.get(symbol)
    if lot is None:
        return Decision(observation, reason=f"This strategy holds no {symbol} to sell.")
    if symbol in book.exiting:
        return Decision(observation, reason=f"A sale of {symbol} is already on its way.")
    # A late SELL still acts, for a lot must not outlive its exit; but not on a lot bought after it.
    if lot.entry_time > observation.bar_time:
        return Decision(observation, reason=f"This lot of {symbol} was bought after that bar.")
    return Decision(observation, quantity=lot.open_quantity, lot=lot)


def _entry(observation: Observation, rules: RiskRules, funds: Funds, taken: int) -> Decision:
    close = observation.close
    if observation.late:
        return Decision(observation, reason="The desk was not checking when this bar closed; too late to enter.")
    refusal = Refusal(
        entry_refusal(
            observation.strength,
            rules.signal_threshold,
            taken,
            rules.max_positions,
            funds.day_loss,
            _limit(rules.daily_loss_limit),
            funds.own_equity,
            funds.own_peak,
            _limit(rules.max_drawdown_pct),
        )
    )
    if refusal is not Refusal.NONE:
        return Decision(observation, reason=refusal.words(**_facts(refusal, observation, rules, funds)))
    quantity = order_quantity(
        funds.equity, close, rules.position_size_pct, _limit(rules.max_position_size), rules.fractional
    )
    if quantity <= 0:
        budget = min(rules.position_size_pct * funds.equity, _limit(rules.max_position_size))
        return Decision(observation, reason=Refusal.NO_SIZE.words(budget=max(0.0, budget), price=close))
    return Decision(observation, quantity=to_decimal(quantity))


def _limit(value: float | None) -> float:
    return INFINITY if value is None else value


def _facts(refusal: Refusal, observation: Observation, rules: RiskRules, funds: Funds) -> Mapping[str, object]:
    match refusal:
        case Refusal.WEAK_SIGNAL:
            return {"strength": observation.strength, "threshold": rules.signal_threshold}
        case Refusal.MAX_POSITIONS:
            return {"max_positions": rules.max_positions}
        case Refusal.DAILY_LOSS:
            return {"loss": funds.day_loss, "limit": rules.daily_loss_limit}
        case _:
            return {
                "drawdown": 1 - funds.own_equity / funds.own_peak,
                "limit": rules.max_drawdown_pct,
            }
