"""Deploy to Live: what is refused, and in which words."""

import math
from typing import Any

import pytest

from livetrading.models import LiveStrategy
from livetrading.services.deploy import DeployRefused, Limits, deploy
from strategies.models import Strategy
from tests.livetrading.factories import NOW, make_backtest, make_strategy
from tests.livetrading.made_bars import bring, flat
from tradedesk.accounts.models import Mode, Notification, User
from tradedesk.core.rules import RiskRules
from tradedesk.marketdata.models import BarSeries

Status = LiveStrategy.Status


@pytest.fixture
def strategy(alice: User) -> Strategy:
    bring(AAPL=flat(10, 11), MSFT=flat(20, 21), IBM=flat(30, 31))
    return make_strategy(user=alice, name="Golden cross")


def refusal_of(user: User, source: Any, **options: Any) -> dict[str, str]:
    with pytest.raises(DeployRefused) as refused:
        deploy(user, source, now=NOW, **options)
    assert not LiveStrategy.objects.exists()
    assert not Notification.objects.exists()
    assert str(refused.value) == " ".join(refused.value.errors.values())
    return refused.value.errors


@pytest.mark.parametrize("symbols", [[], ["", " "]])
def test_without_symbols_it_is_refused(alice: User, strategy: Strategy, symbols: list[str]) -> None:
    assert refusal_of(alice, strategy, symbols=symbols) == {"symbols": "Choose at least one symbol to trade."}
    strategy.symbols = symbols
    assert refusal_of(alice, strategy) == {"symbols": "Choose at least one symbol to trade."}


def test_what_is_no_symbol_is_refused(alice: User, strategy: Strategy) -> None:
    assert "“$$$”" in refusal_of(alice, strategy, symbols=["AAPL", "$$$"])["symbols"]


def test_symbols_without_bars_are_named_with_the_command_that_imports_them(
    alice: User, strategy: Strategy
) -> None:
    command = "manage.py import_bars FILE --symbol ZZZ --timeframe 1Day"
    assert refusal_of(alice, strategy, symbols=["AAPL", "ZZZ", "YYY"]) == {
        "symbols": f"No 1Day bars for ZZZ, YYY. Import them: {command}"
    }


def test_bars_that_are_not_adjusted_are_refused(alice: User, strategy: Strategy) -> None:
    BarSeries.objects.filter(symbol="MSFT").update(adjusted=False)
    errors = refusal_of(alice, strategy)
    assert errors["symbols"].startswith("The bars of MSFT are not adjusted for splits")


@pytest.mark.parametrize(
    ("field", "low", "high", "outside"),
    [
        ("check_interval", 60, 3600, [59, 3601, 0, -300]),
        ("max_positions", 1, 20, [0, 21, -1]),
        ("position_size_pct", 0.001, 0.5, [0.0, 0.0009, 0.5001, -0.02, math.nan, math.inf]),
        ("max_position_size", 1, 1e9, [0.0, 0.99, 1.1e9, -5.0, math.nan, math.inf]),
        ("daily_loss_limit", 1, 1e9, [0.0, 0.99, 1.1e9, -5.0, math.nan, math.inf]),
    ],
)
def test_a_limit_outside_its_bounds_is_refused_by_its_name(
    field: str, low: float, high: float, outside: list[float]
) -> None:
    for value in (low, high):
        assert getattr(Limits(**{field: value}), field) == value  # type: ignore[arg-type]
    for value in outside:
        with pytest.raises(DeployRefused) as refused:
            Limits(**{field: value})  # type: ignore[arg-type]
        sentence = f"{field} must be between {low:g} and {high:g}, not {value:g}."
        assert refused.value.errors == {field: sentence}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"parameters": {"fast": 30, "slow": 10}},
            "The fast average (30) must be shorter than the slow average (10).",
        ),
        ({"kind": "gone"}, "There is no strategy kind “gone”."),
    ],
)
def test_a_strategy_that_its_kind_refuses_is_not_deployed(
    alice: User, strategy: Strategy, changes: dict[str, Any], message: str
) -> None:
    Strategy.objects.update(**changes)
    strategy.refresh_from_db()
    assert refusal_of(alice, strategy) == {"parameters": message}


def test_a_backtests_rule_that_is_out_of_bounds_is_refused_by_its_name(alice: User, strategy: Strategy) -> None:
    rules = RiskRules().as_dict() | {"stop_loss_pct": 1.5}
    backtest = make_backtest(user=alice, strategy=strategy, rules=rules)
    assert refusal_of(alice, backtest) == {
        "stop_loss_pct": "stop_loss_pct must be between 0.001 and 0.99, not 1.5."
    }


def test_in_live_mode_it_is_refused_with_a_sentence(alice: User, strategy: Strategy) -> None:
    alice.mode = Mode.LIVE
    alice.save()
    words = "No live broker account is connected, so live orders cannot be sent."
    assert refusal_of(alice, strategy) == {"mode": words}
