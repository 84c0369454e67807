"""The check of a warm-up that is shorter than what a live check remembers."""

from strategies.checks import check_warmup
from strategies.kinds import Param
from strategies.kinds.ema_crossover import EmaCrossover
from tests.strategies.kinds.series import stock


class TwoTolerances(EmaCrossover):
    """An EMA crossover with this warm-up, and the memory of the kind."""

    key = "two_tolerances"
    factor = Param(4, low=1, high=10, step=1, search=(1, 10, 1), label="Factor")

    def warmup(self) -> int:
        return self.factor * self.slow


def test_a_short_history_may_decide_only_ties_differently() -> None:
    bars = stock("AAPL")
    check = check_warmup(TwoTolerances(fast=10, slow=40), bars, seed=7)
    assert check.passed
    assert "2 differ, each a tie" in check.message
    check = check_warmup(TwoTolerances(fast=10, slow=40, factor=1), bars, seed=7)
    assert not check.passed
    row = int(check.message.split()[1])
    assert check.message.startswith(f"Bar {row} ({str(bars.time[row])[:10]} ")
    assert "on the last 40 bars, and the lines differ by more than 0.1%" in check.message


def test_a_memory_that_is_shorter_than_the_warm_up_fails() -> None:
    check = check_warmup(TwoTolerances(fast=2, slow=4, factor=10), stock("AAPL"), seed=7)
    assert check.passed
    kind = type("Forgetful", (TwoTolerances,), {"memory": lambda self: self.warmup() - 1})
    check = check_warmup(kind(fast=2, slow=4), stock("AAPL"), seed=7)
    assert (check.passed, check.checked) == (False, 0)


def test_a_history_between_the_warm_up_and_the_memory_is_checked_too() -> None:
    check = check_warmup(TwoTolerances(fast=10, slow=40), stock("AAPL")[-300:], seed=7)
    assert check.passed
    assert check.checked > 20
