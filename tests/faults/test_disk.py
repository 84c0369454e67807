"""The disk is full: nothing is half written, and what is in the database is traded all the same.

A limit of the size of files makes the system refuse to write, as a full disk does; the database is a server of its
own.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from livetrading.models import BrokerAccount, Fill, LiveStrategy, Order, PaperFill, PaperTrade
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.tick import tick
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, open_account
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata.bar_folder import files_in
from tradedesk.marketdata.library import CACHE, load_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.refusal import ImportRefused


@contextmanager
def full_disk() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def stored() -> tuple[list[float], set[str]]:
    """The closes of AAPL, read from the files, and all files of its folder."""
    CACHE.clear()
    bars = load_bars(None, "AAPL", "1Day")
    assert bars is not None
    [path, *_] = BarSeries.objects.get(symbol="AAPL").paths
    folder = path.rpartition("/")[0]
    return bars.close.tolist(), {file.path for file in files_in(folder)}


def test_an_import_on_a_full_disk_changes_nothing_and_can_be_repeated(db: None) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    before = stored()
    with full_disk(), pytest.raises(ImportRefused, match="Nothing was changed"):
        store_bars(AAPL=flat(10, 10, 12, 13))
    assert stored() == before
    store_bars(AAPL=flat(10, 10, 12, 13))
    assert np.array_equal(stored()[0], [10, 10, 12, 13])


def test_a_desk_with_a_full_disk_goes_on_trading(alice: User) -> None:
    open_account(alice, 100_000.0)
    store_bars(AAPL=flat(10, 10, 12, 13))
    live = make_two_bar_strategy(alice, "AAPL")
    LiveStrategy.objects.update(next_check_at=CLOSES[2])
    with full_disk():
        [order_id] = tick(live.account_id, CLOSES[2], WALL).orders
        execute_order(order_id, CLOSES[2], WALL)
        tick(live.account_id, CLOSES[3], WALL)
    order = Order.objects.get(purpose="entry")
    assert (order.state, order.filled_quantity) == ("filled", order.quantity)
    assert (Fill.objects.count(), PaperFill.objects.count()) == (1, 1)
    account, trade = BrokerAccount.objects.get(), PaperTrade.objects.get()
    assert trade.quantity == order.quantity
    paid = trade.quantity * trade.entry_price + trade.commission
    assert account.booked_cash == account.paper_account.cash == 100_000 - paid
