"""The engine against vectorbt 1.2, trade for trade and without stops: vectorbt tries a stop before the exit that a
signal has decided on.

Positions are capped in dollars far below the capital, so that both ask for the same number of shares. Our prices
are rounded to a millionth, the peer's are not: with up to 20,000 shares that is a cent or two a trade.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from backtests.engine.run import run
from tests.backtests.series import SEEDS, STOCKS, Series, series_of
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals

CAPITAL = 1_000_000.0
MOST = 20_000.0
# The widest stop: 99% below the entry, which none of these series reaches.
RULES = RiskRules(position_size_pct=1.0, max_positions=1000, max_position_size=MOST, stop_loss_pct=0.99)
SETTINGS = {
    "signals alone": Costs(),
    "costs": Costs(commission_per_order=1.0, commission_bps=5.0, slippage_bps=10.0),
}


def peer(names: list[Series], costs: Costs) -> Any:
    """vectorbt's portfolio of these series, one group with shared cash."""
    import vectorbt  # slow to import: only where it is used

    tables: dict[str, dict[str, pd.Series]] = {"close": {}, "open": {}, "entry": {}, "exit": {}, "size": {}}
    for name in names:
        bars, side = series_of(name)
        index = pd.DatetimeIndex(bars.time)
        columns = {
            "close": bars.close,
            "open": bars.open,
            "entry": _tomorrow(side > 0),
            "exit": _tomorrow(side < 0),
            "size": np.concatenate(([1.0], np.floor(MOST / bars.close[:-1] + 1e-9))),
        }
        for table, column in columns.items():
            tables[table][str(name)] = pd.Series(column, index)
    frames = {table: pd.DataFrame(columns) for table, columns in tables.items()}
    return vectorbt.Portfolio.from_signals(
        frames["close"],
        entries=frames["entry"].fillna(False).astype(bool),
        exits=frames["exit"].fillna(False).astype(bool),
        price=frames["open"],
        size=frames["size"],
        size_type="amount",
        fees=costs.commission_bps / 1e4,
        fixed_fees=costs.commission_per_order,
        slippage=costs.slippage_bps / 1e4,
        init_cash=CAPITAL,
        cash_sharing=True,
        group_by=True,
        direction="longonly",
        freq="1D",
    )


def _tomorrow(decided: Any) -> Any:
    """A decision at the close of a bar acts in the bar after."""
    return np.concatenate(([False], decided[:-1]))


def compare(names: list[Series], costs: Costs) -> None:
    bars = {str(name): series_of(name)[0] for name in names}
    signals = {str(name): Signals(side, np.ones(len(side))) for name in names for side in [series_of(name)[1]]}
    ours = run(bars, signals, capital=CAPITAL, rules=RULES, costs=costs)
    theirs = peer(names, costs)
    records = theirs.trades.records
    names_of = list(theirs.wrapper.columns)
    closed = records[records["status"] == 1].sort_values(["exit_idx", "col"])
    still_open = records[records["status"] == 0]
    lots = sorted(ours.closed, key=lambda lot: (lot["exit_row"], lot["symbol"]))

    assert len(lots) >= 3
    assert [ours.symbols[lot["symbol"]] for lot in lots] == [names_of[col] for col in closed["col"]]
    for field, column in (("entry_row", "entry_idx"), ("exit_row", "exit_idx"), ("quantity", "size")):
        assert [lot[field] for lot in lots] == closed[column].tolist()
    for field, column in (("entry_price", "entry_price"), ("exit_price", "exit_price")):
        assert [lot[field] for lot in lots] == pytest.approx(closed[column].tolist(), abs=1e-5)
    assert [lot["pnl"] for lot in lots] == pytest.approx(closed["pnl"].tolist(), abs=0.05)
    assert sorted(lot["quantity"] for lot in ours.held) == sorted(still_open["size"])
    assert ours.equity == pytest.approx(theirs.value().to_numpy(), abs=0.5)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", [*STOCKS, *SEEDS])
def test_not_one_trade_differs(name: Series, setting: str) -> None:
    compare([name], SETTINGS[setting])


@pytest.mark.parametrize("setting", SETTINGS)
def test_not_one_trade_of_a_portfolio_with_shared_cash_differs(setting: str) -> None:
    # Names that sort as they stand, for the engine sorts symbols and vectorbt does not; fewer than ten.
    compare(list(SEEDS[:9]), SETTINGS[setting])
