"""The symbol that a trader compares a result with, in place of holding its own symbols."""

from typing import Any

import pytest

from backtests.models import Backtest, OptimizerRun
from backtests.services import InvalidBacktest, repeat_backtest
from backtests.services.evidence import compute_for_backtest
from backtests.services.optimizer import InvalidRun, create_search
from strategies.models import Strategy
from tests.backtests.runs import Clock, Make
from tests.backtests.searches import TERMS


@pytest.mark.parametrize("text", ["NOSUCH", "../AAPL", "A\0", "x" * 40, "FB"])
def test_a_symbol_without_bars_in_the_period_is_refused_at_its_field(
    make: Make, strategy: Strategy, text: str
) -> None:
    """FB begins in 2012, after the end of the period."""
    with pytest.raises(InvalidBacktest) as refusal:
        make(compare_with=text)
    assert refusal.value.errors.keys() == {"compare_with"}
    if text == "FB":
        assert "2012-05-18" in refusal.value.errors["compare_with"]
    terms: dict[str, Any] = dict(TERMS)
    with pytest.raises(InvalidRun) as refused:
        create_search(strategy.user, strategy, symbols=["AAPL"], method="grid", compare_with=text, **terms)
    assert refused.value.errors.keys() == {"compare_with"}
    assert not Backtest.objects.exists()
    assert not OptimizerRun.objects.exists()


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_without_a_symbol_the_tested_symbols_are_held(make: Make, nothing: str | None) -> None:
    assert make(compare_with=nothing).compare_with == ""


def test_the_evidence_compares_with_the_chosen_symbol(completed: Backtest, clock: Clock) -> None:
    Backtest.objects.update(compare_with="IBM")
    compute_for_backtest(completed.pk, clock)
    completed = Backtest.objects.select_related("evidence").get()
    holding = completed.evidence.report["holding"]
    assert (holding["symbols"], holding["chosen"]) == (["IBM"], True)
    assert holding["benchmark"]["total_return"] != pytest.approx(completed.buy_and_hold["total_return"])
    assert holding["result"]["total_return"] == completed.metrics["total_return"]
    assert repeat_backtest(completed, clock()).compare_with == "IBM"
