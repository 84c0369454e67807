"""A file of a symbol that is held does not take the place of the bars that it is traded on, nor change their
scale."""

from contextlib import nullcontext

import numpy as np
import pytest

from livetrading.models import PaperTrade
from tests.livetrading.factories import NOW, closed, make_paper_trade
from tests.livetrading.made_bars import CLOSES, flat
from tests.marketdata.test_cases import import_case
from tradedesk.accounts.models import User
from tradedesk.marketdata.importing import check
from tradedesk.marketdata.library import find_series
from tradedesk.marketdata.readers import FileSeries
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import SeriesKey, save_series

FILE = "passing/bom_crlf_ok.csv"


def test_bars_of_a_held_symbol_are_not_hidden(alice: User) -> None:
    save_series(SeriesKey("sample", "GOOG", "1Day"), flat(10, 11, 12), adjusted=True, stored=None, now=NOW)
    make_paper_trade(user=alice, symbol="GOOG")
    with pytest.raises(ImportRefused, match="hide the sample series of GOOG, and 1 account holds it") as refusal:
        import_case(FILE, symbol="GOOG")
    assert refusal.value.field == "symbol"
    assert find_series(alice.pk, ["GOOG"], "1Day")["GOOG"].provider == "sample"
    PaperTrade.objects.update(**closed(NOW))
    imported = import_case(FILE, symbol="GOOG")
    assert "hide the sample series" in str(imported)
    assert find_series(alice.pk, ["GOOG"], "1Day")["GOOG"].provider == "csv"
    # More bars for the series that is used already hide nothing.
    make_paper_trade(user=alice, symbol="GOOG")
    assert import_case(FILE, symbol="GOOG").remarks == []


@pytest.mark.parametrize(("factor", "refused"), [(0.5, True), (0.97, False)], ids=["split", "dividend"])
def test_bars_of_a_held_symbol_keep_their_scale(alice: User, factor: float, refused: bool) -> None:
    """A lot that was bought at the old prices would be sold by its stop at the next bar."""
    prices = np.linspace(100, 110, 30)
    key = SeriesKey("csv", "GOOG", "1Day")
    save_series(key, flat(*prices), adjusted=True, stored=None, now=NOW)
    found = FileSeries("GOOG", flat(*prices * factor), True, (), "Line {}".format, "GOOG.csv")
    check(found, key, replace=True, accept=(), now=CLOSES[30])
    make_paper_trade(user=alice, symbol="GOOG")
    with pytest.raises(ImportRefused, match="after a split, and 1 account") if refused else nullcontext():
        check(found, key, replace=True, accept=(), now=CLOSES[30])
