"""The common start of the rows of a run, and what it says about rows that cannot trade."""

from datetime import date

import pytest

from backtests.services import run_backtest
from backtests.services.optimizer import InvalidRun, create_search, open_as_backtest, warnings_of
from strategies.services import save_strategy
from tests.backtests.optimizer_runs.conftest import Work
from tests.backtests.optimizer_runs.test_create import refused
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import TERMS, MakeRun
from tradedesk.accounts.models import User
from tradedesk.core.bars import session_dates
from tradedesk.marketdata.library import load_bars


def test_all_rows_begin_where_the_longest_warm_up_is_complete_and_a_backtest_gives_the_same(
    search: MakeRun, work: Work, clock: Clock
) -> None:
    run = work(search(start_date=date(2000, 1, 3), end_date=date(2001, 12, 31), holdout=0.0))
    bars = load_bars(None, "AAPL", "1Day")
    first = session_dates(bars.time)[60].item()  # a slow average of 60 crosses on bar 60 at the earliest
    assert run.start_on("AAPL") == first
    assert set(run.chunks.values_list("used_from", flat=True)) == {first}
    row = run.candidates.order_by("-score")[0]
    backtest = open_as_backtest(row, NOW)
    assert (backtest.start_date, backtest.end_date) == (first, run.end_date)
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    shared = row.figures.keys() & backtest.metrics.keys()
    assert len(shared) > 5
    assert {name: backtest.metrics[name] for name in shared} == pytest.approx(
        {name: row.figures[name] for name in shared}, nan_ok=True
    )


def test_a_part_that_can_never_trade_is_said_and_does_not_move_the_start(search: MakeRun) -> None:
    # FB has 155 bars in 2012, and a warm-up of 136 leaves 20 of them
    run = search(
        symbols=["FB"],
        start_date=date(2012, 5, 18),
        end_date=date(2012, 12, 31),
        grid={"slow": (50, 200, 50)},
        holdout=0.0,
    )
    assert run.starts["FB"] | {"start": ""} == {
        "start": "",
        "warmup": 101,
        "combinations": 4,
        "left_out": 2,
        "limit": 136,
        "values": {"slow": [150, 200]},
    }
    (warning,) = warnings_of(run)
    assert "2 of 4 combinations (Slow average 150 to 200) need more than 136 bars" in warning


def test_a_search_of_which_no_part_can_trade_is_refused(search: MakeRun) -> None:
    period = {"symbols": ["FB"], "start_date": date(2012, 5, 18), "end_date": date(2012, 12, 31)}
    assert refused(search, **period, grid={"slow": (150, 200, 50)}).keys() == {"grid"}


def test_the_ends_of_a_choice_may_be_words(alice: User, samples: list[str]) -> None:
    strategy = save_strategy(
        alice, name="Dips", kind="rsi_mean_reversion", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    run = create_search(alice, strategy, method="grid", grid={"enter_on": ("touch", "return", 1)}, **TERMS)
    assert run.grid == {"enter_on": [0, 1, 1]}
    assert run.named_grid == {"enter_on": ["touch", "return", 1]}
    assert run.combinations == 2
    with pytest.raises(InvalidRun) as refusal:
        create_search(alice, strategy, method="grid", grid={"enter_on": ("touch", "never", 1)}, **TERMS)
    assert refusal.value.errors.keys() == {"grid.enter_on"}
    assert "enter_on" not in create_search(alice, strategy, method="random", trials=5, **TERMS).grid
