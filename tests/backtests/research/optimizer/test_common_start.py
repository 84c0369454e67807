"""Warm-ups of a grid without enumerating it, and the first session from which all rows of a run are scored."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from backtests.research.optimizer.common_start import FEWEST_SESSIONS, common_start
from backtests.research.optimizer.grid import Grid
from backtests.research.optimizer.warmups import Warmups, warmups_of
from strategies.kinds import InvalidParameters, Kind, Param, kinds
from tradedesk.core.bars import Bars, session_dates
from tradedesk.core.signals import Signals
from tradedesk.marketdata.sessions import daily_time, daily_times, sessions_between

FIRST, LAST = date(2010, 1, 4), date(2010, 12, 31)  # 252 sessions


def bars_between(first: date, last: date) -> Bars:
    time = daily_times(sessions_between(first, last))
    price = np.full(len(time), 10.0)
    return Bars(time, price, price, price, price, price)


BARS = bars_between(FIRST, LAST)
DAYS: list[date] = session_dates(BARS.time).tolist()


def start_of(warmups: dict[int, int], first: date = FIRST, holdout: float = 0.0, **bars: Bars) -> Any:
    return common_start(Warmups(warmups), bars or {"A": BARS}, daily_time(first), daily_time(LAST), holdout)


@pytest.mark.parametrize("kind", [kind for kind in kinds().values() if kind.params()], ids=lambda kind: kind.key)
def test_the_warm_ups_of_a_grid_are_those_of_its_combinations(kind: type[Kind]) -> None:
    ranges = {
        name: (*param.search[:2], param.search[1] - param.search[0]) for name, param in kind.params().items()
    }
    grid = Grid.of(kind, ranges, {})
    found = warmups_of(kind, grid)
    assert sum(found.counts.values()) == grid.size
    made = []
    for number in range(grid.size):
        try:
            made.append(kind(**grid.at(number)).warmup())
        except InvalidParameters:
            continue
    assert set(made) <= set(found.counts)
    assert max(made) == found.longest_within(10**9)


class Depends(Kind):
    """Its warm-up reads the second parameter only where the first is large, and is shorter for larger ones."""

    key, name, description = "depends", "Depends", "For the tests."
    first = Param(1, low=1, high=400, step=1, search=(1, 4, 1), label="First")
    second = Param(1, low=1, high=400, step=1, search=(1, 4, 1), label="Second")
    third = Param(1, low=1, high=400, step=1, search=(1, 4, 1), label="Third")

    def warmup(self) -> int:
        return 500 - self.second if self.first > 2 else 7

    def signals(self, bars: Bars) -> Signals:
        raise NotImplementedError

    def explain(self, signals: Signals, t: int) -> str:
        return ""


def test_a_parameter_that_matters_only_sometimes_is_found() -> None:
    grid = Grid.of(Depends, dict.fromkeys(Depends.params(), (1, 4, 1)), {})
    # by hand: 4 thirds; first 1 and 2 with all 4 seconds, first 3 and 4 with each second
    assert warmups_of(Depends, grid).counts == {7: 32, 499: 8, 498: 8, 497: 8, 496: 8}


def test_a_large_grid_is_thinned_and_keeps_its_longest_warm_up() -> None:
    ranges = {"fast": (2, 21, 1), "slow": (30, 400, 1), "signal": (2, 200, 1)}
    found = warmups_of(kinds()["macd"], Grid.of(kinds()["macd"], ranges, {}))
    assert found.longest_within(10**9) == 4 * (400 + 200)
    assert min(found.counts) == 4 * (30 + 2)
    beyond = (4 * np.add.outer(np.arange(30, 401), np.arange(2, 201)) > 1200).mean()
    assert found.count_beyond(1200) / sum(found.counts.values()) == pytest.approx(beyond, abs=0.01)


def test_the_rows_begin_where_the_longest_warm_up_is_complete() -> None:
    start = start_of({10: 3, 40: 2})
    assert (start.start, start.warmup, start.left_out) == (DAYS[39], 40, 0)


def test_bars_before_the_start_warm_up() -> None:
    assert start_of({10: 1, 40: 1}, DAYS[39]).start == DAYS[39]
    assert start_of({10: 1, 40: 1}, DAYS[38]).start == DAYS[39]
    assert start_of({10: 1, 40: 1}, date(2010, 7, 4)).start == date(2010, 7, 4)  # a Sunday: as the trader chose


@pytest.mark.parametrize(("holdout", "sessions"), [(0.0, FEWEST_SESSIONS), (0.5, 2 * FEWEST_SESSIONS)])
def test_a_warm_up_that_leaves_too_few_sessions_does_not_count(holdout: float, sessions: int) -> None:
    limit = 252 - sessions + 1
    start = start_of({10: 3, limit: 2, limit + 1: 4}, holdout=holdout)
    assert (start.start, start.warmup, start.limit) == (DAYS[limit - 1], limit, limit)
    assert (start.combinations, start.left_out, start.can_trade) == (9, 4, True)
    assert not start_of({limit + 1: 4}, holdout=holdout).can_trade


def test_the_values_that_can_never_trade_are_named() -> None:
    grid = Grid.of(kinds()["ema_crossover"], {"slow": (20, 100, 10)}, {"fast": 5})
    start = common_start(
        warmups_of(kinds()["ema_crossover"], grid), {"A": BARS}, daily_time(FIRST), daily_time(LAST), 0.0
    )
    # 252 bars less 19 leave a warm-up of at most 233, so a slow average of at most 58
    assert (start.values, start.left_out, start.warmup) == ({"slow": (60, 100)}, 5, 200)


def test_of_several_symbols_the_first_that_is_warm_begins() -> None:
    late = bars_between(date(2010, 6, 1), LAST)
    assert start_of({40: 1}, A=BARS, B=late).start == DAYS[39]
    own = start_of({40: 1}, B=late)
    assert own.start == session_dates(late.time)[39].item()


def test_within_a_session_the_next_one_begins() -> None:
    minutes = np.concatenate(
        [day + np.arange(3) * np.timedelta64(5, "m") for day in BARS.time + np.timedelta64(9, "h")]
    )
    price = np.full(len(minutes), 10.0)
    bars = Bars(minutes, price, price, price, price, price)
    assert start_of({31: 1}, A=bars).start == DAYS[10]  # bar 30 is the first of its session
    assert start_of({32: 1}, A=bars).start == DAYS[11]
