"""Creating backtests."""

import json
import math
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from celery import Task, current_app
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from kombu.exceptions import OperationalError
from pytest_django import DjangoCaptureOnCommitCallbacks

from backtests.models import Backtest
from backtests.provenance import engine_code
from backtests.services import InvalidBacktest, create_backtest, recover_backtests
from backtests.services.inputs import checked_rules
from backtests.services.queue import BACKTEST_TASK
from strategies.kinds import code_hash
from strategies.models import Strategy
from strategies.services import save_strategy
from tests.backtests.runs import NOW, Make, Published
from tradedesk.accounts.models import User, UserVersion
from tradedesk.core.rules import DEFAULT_COSTS, Costs, RiskRules
from tradedesk.marketdata.models import BarSeries

Status = Backtest.Status


def errors_of(make: Make, **changes: Any) -> dict[str, str]:
    with pytest.raises(InvalidBacktest) as refusal:
        make(**changes)
    assert not Backtest.objects.exists()
    return refusal.value.errors


def version_of(user: User) -> int:
    return UserVersion.objects.values_list("number", flat=True).get(user=user)


def test_it_stores_a_snapshot_of_its_inputs(make: Make, strategy: Strategy) -> None:
    backtest = make(commission_bps=1.5, slippage_bps=2)
    Strategy.objects.filter(pk=strategy.pk).update(name="Other", parameters={"fast": 2, "slow": 3}, symbols=["FB"])
    backtest = Backtest.objects.get(pk=backtest.pk)
    assert (backtest.user, backtest.strategy, backtest.strategy_name) == (strategy.user, strategy, "Golden cross")
    assert (backtest.kind, backtest.parameters) == ("sma_crossover", {"fast": 20, "slow": 50})
    assert (backtest.symbols, backtest.timeframe) == (["AAPL", "MSFT"], "1Day")
    assert (backtest.start_date, backtest.end_date) == (date(2005, 1, 3), date(2010, 12, 31))
    assert backtest.initial_capital == Decimal(100_000)
    assert backtest.cost_rules() == Costs(commission_bps=1.5, slippage_bps=2)
    assert (backtest.status, backtest.progress, backtest.attempts) == (Status.QUEUED, 0, 0)
    assert backtest.created_at == backtest.heartbeat_at == NOW


def test_it_stores_the_provenance_of_the_code(make: Make) -> None:
    provenance = Backtest.objects.get(pk=make().pk).provenance
    assert provenance["kind_code"] == code_hash("sma_crossover")
    assert provenance["engine_code"] == engine_code()
    assert provenance["version"]
    assert provenance["data"] == {}  # the run stores the bars that it used


def test_a_backtest_is_fully_invested_by_default(make: Make) -> None:
    assert make().risk_rules() == RiskRules(position_size_pct=0.95 / 2, max_positions=2)
    assert make(symbols=["IBM"]).risk_rules() == RiskRules(position_size_pct=0.95, max_positions=1)


def test_none_means_off_or_the_default_of_a_rule_that_cannot_be_off(make: Make) -> None:
    defaults = dict.fromkeys((*RiskRules().as_dict(), *Costs().as_dict()))
    assert make(**defaults).rules == make().rules | {"stop_loss_pct": None}
    assert make(**defaults).costs == DEFAULT_COSTS.as_dict()


def test_every_rule_and_cost_can_be_given(make: Make) -> None:
    rules = RiskRules(
        position_size_pct=0.2,
        max_positions=3,
        max_position_size=5000.0,
        stop_loss_pct=0.05,
        take_profit_pct=0.3,
        signal_threshold=0.1,
        daily_loss_limit=900.0,
        max_drawdown_pct=0.4,
        fractional=True,
    )
    costs = Costs(commission_per_order=1.0, commission_per_share=0.005, commission_bps=2.0, slippage_bps=3.0)
    backtest = Backtest.objects.get(pk=make(**rules.as_dict(), **costs.as_dict()).pk)
    assert (backtest.risk_rules(), backtest.cost_rules()) == (rules, costs)


def test_an_unknown_rule_or_cost_raises(make: Make) -> None:
    with pytest.raises(TypeError, match="comission"):
        make(comission=1)


def test_symbols_are_cleaned_and_default_to_those_of_the_strategy(make: Make) -> None:
    assert make(symbols=" msft, aapl msft").symbols == ["MSFT", "AAPL"]
    assert make(symbols="").symbols == make(symbols=[]).symbols == ["AAPL", "MSFT"]


def test_symbols_without_bars_are_named_with_the_import_command(make: Make) -> None:
    message = errors_of(make, symbols=["AAPL", "TSLA", "NVDA"])["symbols"]
    assert "TSLA, NVDA" in message
    assert "manage.py import_bars FILE --symbol TSLA --timeframe 1Day" in message


def test_an_invalid_symbol_is_refused(make: Make) -> None:
    assert "“../etc”" in errors_of(make, symbols=["../etc"])["symbols"]


def test_no_symbols_at_all_are_refused(make: Make, strategy: Strategy) -> None:
    strategy.symbols = []
    assert set(errors_of(make)) == {"symbols"}


def test_bars_that_are_not_adjusted_are_refused(make: Make) -> None:
    BarSeries.objects.filter(symbol="MSFT").update(adjusted=False)
    assert "The bars of MSFT are not adjusted" in errors_of(make)["symbols"]


@pytest.mark.parametrize(
    ("start", "end", "field", "text"),
    [
        (date(2010, 1, 4), date(2009, 1, 5), "end_date", "The end must be later than the start, 2010-01-04."),
        (date(2010, 1, 4), date(2010, 1, 4), "end_date", "The end must be later than the start"),
        (
            date(1990, 1, 2),
            date(1999, 12, 31),
            "end_date",
            "There are no bars from 1990-01-02 to 1999-12-31. Bars: AAPL, MSFT 2000-03-01 to 2013-03-01.",
        ),
        (date(2013, 3, 2), date(2014, 1, 2), "start_date", "There are no bars from 2013-03-02"),
        (date(1, 1, 1), date(2010, 1, 4), "start_date", "Choose a date between 1900-01-01 and 2199-12-31."),
        (date(2010, 1, 4), date(9999, 12, 31), "end_date", "Choose a date between"),
    ],
)
def test_invalid_dates_are_refused_at_their_field(
    make: Make, start: date, end: date, field: str, text: str
) -> None:
    errors = errors_of(make, start_date=start, end_date=end)
    assert list(errors) == [field]
    assert errors[field].startswith(text)


def test_the_date_range_of_each_symbol_is_named_when_none_has_bars_in_the_period(make: Make) -> None:
    errors = errors_of(
        make, symbols=["AAPL", "FB"], start_date=date(2013, 3, 2), end_date=date(2013, 4, 2), initial_capital=1
    )
    assert errors["start_date"].endswith("Bars: AAPL 2000-03-01 to 2013-03-01; FB 2012-05-18 to 2013-03-01.")


def test_a_symbol_may_start_later_than_the_others(make: Make) -> None:
    assert make(symbols=["AAPL", "FB"]).symbols == ["AAPL", "FB"]


def test_a_period_may_extend_beyond_the_bars(make: Make) -> None:
    assert make(start_date=date(1999, 1, 4), end_date=date(2020, 1, 2)).pk


@pytest.mark.parametrize(
    "capital", [0, -1, 0.99, 1e9 + 1, math.nan, math.inf, -math.inf, 10**400, Decimal("NaN"), Decimal("-0.01")]
)
def test_an_invalid_capital_is_refused(make: Make, capital: Any) -> None:
    assert errors_of(make, initial_capital=capital) == {
        "initial_capital": "The capital must be between $1 and $1,000,000,000."
    }


@pytest.mark.parametrize("capital", [1, 1e9, Decimal("100000.123456")])
def test_the_capital_keeps_its_decimals(make: Make, capital: Any) -> None:
    assert Backtest.objects.get(pk=make(initial_capital=capital).pk).initial_capital == Decimal(capital)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("position_size_pct", 1.01),
        ("position_size_pct", math.nan),
        ("max_positions", 0),
        ("max_position_size", 0),
        ("max_position_size", math.inf),
        ("stop_loss_pct", 0),
        ("stop_loss_pct", 1),
        ("take_profit_pct", -0.1),
        ("signal_threshold", 1.1),
        ("daily_loss_limit", -5),
        ("max_drawdown_pct", 1),
        ("commission_bps", -1),
        ("commission_per_order", math.inf),
        ("commission_per_share", 11),
        ("slippage_bps", math.nan),
    ],
)
def test_a_rule_or_cost_out_of_bounds_is_refused_at_its_field(make: Make, name: str, value: float) -> None:
    errors = errors_of(make, **{name: value})
    assert list(errors) == [name]
    assert "must be between" in errors[name]


def test_all_errors_are_returned_at_once(make: Make) -> None:
    errors = errors_of(
        make,
        symbols=["TSLA"],
        end_date=date(2000, 1, 3),
        initial_capital=0,
        stop_loss_pct=2,
        signal_threshold=2,
        slippage_bps=-1,
    )
    assert set(errors) == {
        "symbols",
        "end_date",
        "initial_capital",
        "stop_loss_pct",
        "signal_threshold",
        "slippage_bps",
    }


def test_a_strategy_with_invalid_parameters_is_refused(make: Make, strategy: Strategy) -> None:
    strategy.parameters = {"fast": 50, "slow": 20}
    assert "“Golden cross” cannot run." in errors_of(make)["strategy"]


def test_a_strategy_whose_kind_is_not_installed_is_refused(make: Make, strategy: Strategy) -> None:
    strategy.kind = "missing"
    assert "“missing”" in errors_of(make)["strategy"]


numbers = st.none() | st.floats() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False)
# Two rules exclude each other: with both, all rules are the defaults beside the refusal.
EXCLUSIVE = {"trailing_stop_pct", "trailing_stop_atr"}
names = st.sampled_from([*RiskRules().as_dict(), *Costs().as_dict()])
rules_and_costs = st.dictionaries(names, numbers).filter(lambda values: not values.keys() >= EXCLUSIVE)


@given(rules_and_costs, st.none() | st.booleans(), st.integers(1, 50))
def test_every_rule_and_cost_is_stored_or_refused_at_its_name(
    values: dict[str, Any], fractional: bool | None, symbols: int
) -> None:
    values["fractional"] = fractional
    errors: dict[str, str] = {}
    rules, costs = checked_rules(values, symbols, errors)
    stored = rules.as_dict() | costs.as_dict()
    assert set(errors) <= {name for name, value in values.items() if value is not None}
    for name, value in values.items():
        if value is not None and name not in errors:
            assert stored[name] == (float(value) if isinstance(value, Decimal) else value)
    json.dumps(stored, allow_nan=False)


def test_it_is_enqueued_when_the_transaction_commits(
    make: Make, published: Published, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        backtest = make()
        assert published == []
    assert published == [(BACKTEST_TASK, (backtest.pk,))]


def test_it_increases_the_version_of_the_user(make: Make, alice: User) -> None:
    make()
    before = version_of(alice)
    make()
    assert version_of(alice) > before


@pytest.mark.django_db(transaction=True)
def test_a_backtest_is_recovered_if_the_queue_cannot_be_reached(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any, **__: Any) -> None:
        raise OperationalError("Connection refused")

    monkeypatch.setattr(current_app, "send_task", lost)
    monkeypatch.setattr(Task, "apply_async", lost)
    with transaction.atomic():
        backtest = make()
    assert not connection.needs_rollback
    assert recover_backtests(NOW + timedelta(seconds=31)) == [backtest.pk]


def test_a_backtest_belongs_to_the_user_who_creates_it(make: Make, bob: User) -> None:
    other = save_strategy(bob, name="Bob's", kind="buy_and_hold", parameters={}, symbols=["IBM"], timeframe="1Day")
    backtest = create_backtest(
        bob,
        other,
        start_date=date(2005, 1, 3),
        end_date=date(2006, 1, 3),
        initial_capital=1000,
        wall_now=NOW,
    )
    assert list(bob.backtests.all()) == [backtest]
