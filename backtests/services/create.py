"""Creating a backtest, for the page and for the API."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from backtests import provenance
from backtests.date_range import date_range_of
from backtests.models import Backtest, Candidate
from backtests.services.bars import UnusableBars, usable_series
from backtests.services.benchmark import checked_benchmark
from backtests.services.inputs import InvalidBacktest, RuleValue, capital_error, checked_rules, date_errors
from backtests.services.queue import enqueue_backtest
from backtests.services.room import NoRoom, room_for_backtest
from backtests.services.sessions_in_period import period_errors
from strategies.kinds import InvalidParameters, Kind
from strategies.models import Strategy
from strategies.services import InvalidStrategy, clean_symbols
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.models import BarSeries


def create_backtest(
    user: User,
    strategy: Strategy,
    *,
    start_date: date,
    end_date: date,
    initial_capital: float | Decimal,
    wall_now: datetime,
    symbols: str | Iterable[str] | None = None,
    compare_with: str | None = None,
    **rules_and_costs: RuleValue,
) -> Backtest:
    """A backtest of the user's `strategy`, stored as a snapshot and enqueued when the transaction commits.

    symbols: the strategy's own when None or empty. compare_with: the symbol that the evidence compares with, the
    symbols themselves when None or empty. Both dates are included. rules_and_costs: fields of RiskRules
    and Costs. A missing field has its default, except that position_size_pct is 0.95 / number of symbols and
    max_positions is the number of symbols; None switches a rule off that can be off, and is the default of any
    other. Raises InvalidBacktest with all errors.
    """
    errors: dict[str, str] = {}
    kind = _kind(strategy, errors)
    cleaned = _symbols(strategy, symbols, errors)
    series = _series(user, cleaned, strategy.timeframe, errors)
    if message := capital_error(initial_capital):
        errors["initial_capital"] = message
    errors |= date_errors(start_date, end_date, {symbol: date_range_of(series[symbol]) for symbol in series})
    defaults = kind.rule_defaults if kind else None
    rules, costs = checked_rules(rules_and_costs, len(cleaned), errors, defaults)
    benchmark = checked_benchmark(user.pk, compare_with, strategy.timeframe, start_date, end_date, errors)
    if not errors:
        errors |= period_errors(user.pk, series, strategy.timeframe, start_date, end_date)
    if errors or kind is None:
        raise InvalidBacktest(errors)
    try:
        return snapshot_backtest(
            user,
            strategy=strategy,
            strategy_name=strategy.name,
            kind=kind,
            symbols=cleaned,
            timeframe=strategy.timeframe,
            start_date=start_date,
            end_date=end_date,
            initial_capital=to_decimal(float(initial_capital)),
            rules=rules,
            costs=costs,
            compare_with=benchmark,
            wall_now=wall_now,
        )
    except NoRoom as refusal:
        raise InvalidBacktest({"": str(refusal)}) from None


def snapshot_backtest(
    user: User,
    *,
    strategy: Strategy | None,
    strategy_name: str,
    kind: Kind,
    symbols: list[str],
    timeframe: str,
    start_date: date,
    end_date: date,
    initial_capital: Decimal,
    rules: RiskRules,
    costs: Costs,
    compare_with: str,
    wall_now: datetime,
    candidate: Candidate | None = None,
) -> Backtest:
    """A backtest of values that are already checked, enqueued when the transaction commits. Raises NoRoom."""
    with room_for_backtest(user.pk):
        backtest = Backtest.objects.create(
            user=user,
            strategy=strategy,
            candidate=candidate,
            strategy_name=strategy_name,
            kind=kind.key,
            parameters=kind.parameters,
            symbols=symbols,
            timeframe=timeframe,
            start_date=start_date,
            end_date=end_date,
            initial_capital=initial_capital,
            rules=rules.as_dict(),
            costs=costs.as_dict(),
            compare_with=compare_with,
            provenance=provenance.describe(kind.key, bars={}),  # the run knows which bars it uses
            created_at=wall_now,
            heartbeat_at=wall_now,
        )
        bump_version(user.pk)
        # Robust: if the queue cannot be reached, recovery enqueues it later and the user still gets the page.
        transaction.on_commit(lambda: enqueue_backtest(backtest.pk), robust=True)
    return backtest


def _kind(strategy: Strategy, errors: dict[str, str]) -> Kind | None:
    try:
        return strategy.make_kind()
    except InvalidParameters as refusal:
        errors["strategy"] = f"“{strategy.name}” cannot run. {refusal} Edit the strategy, then try again."
        return None


def _symbols(strategy: Strategy, symbols: str | Iterable[str] | None, errors: dict[str, str]) -> list[str]:
    try:
        cleaned = clean_symbols(symbols or ()) or clean_symbols(strategy.symbols)
    except InvalidStrategy as refusal:
        errors["symbols"] = refusal.errors["symbols"]
        return []
    if not cleaned:
        errors["symbols"] = "Enter at least one symbol, for example AAPL. The strategy has no symbols of its own."
    return cleaned


def _series(user: User, symbols: list[str], timeframe: str, errors: dict[str, str]) -> dict[str, BarSeries]:
    try:
        return usable_series(user.pk, symbols, timeframe)
    except (NoBars, UnusableBars) as refusal:
        errors["symbols"] = str(refusal)
        return {}
