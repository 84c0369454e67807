"""The committed sample bars are what samples/README.md says: the test builds them again from their source."""

import numpy as np
import pytest
from bokeh_sampledata import stocks

from tradedesk.core.bars import Bars, Floats, session_dates, validate
from tradedesk.marketdata import samples, store
from tradedesk.marketdata.adjustment import adjust
from tradedesk.marketdata.sessions import daily_times, is_session, sessions_between


def bars_from_the_source(symbol: str) -> Bars:
    source = getattr(stocks, symbol)

    def column(name: str) -> Floats:
        return np.array(source[name], dtype=np.float64)

    traded = Bars(
        time=daily_times(np.array(source["date"], dtype="datetime64[D]")),
        open=column("open"),
        high=column("high"),
        low=column("low"),
        close=column("close"),
        volume=column("volume"),
    )
    return adjust(traded, column("adj_close"))


@pytest.mark.parametrize("symbol", samples.FINGERPRINTS)
def test_the_files_hold_the_bars_of_the_source(symbol: str) -> None:
    expected = bars_from_the_source(symbol)
    assert store.fingerprint_of(samples.sample_bars(symbol)) == store.fingerprint_of(expected)
    assert store.fingerprint_of(expected) == samples.FINGERPRINTS[symbol]


def test_there_are_files_of_the_five_stocks_and_no_others() -> None:
    files = {file.stem for file in samples.FOLDER.glob("*.parquet")}
    assert files == set(samples.FINGERPRINTS) == {"AAPL", "FB", "GOOG", "IBM", "MSFT"}
    assert sum(file.stat().st_size for file in samples.FOLDER.glob("*.parquet")) < 1_000_000


@pytest.mark.parametrize("symbol", samples.FINGERPRINTS)
def test_they_are_valid_and_have_a_bar_for_every_session(symbol: str) -> None:
    bars = samples.sample_bars(symbol)
    validate(bars)
    dates = session_dates(bars.time)
    assert is_session(dates).all()
    assert np.array_equal(dates, sessions_between(dates[0].item(), dates[-1].item()))
    assert np.array_equal(bars.time, daily_times(dates))


def test_first_and_last_session_are_those_of_the_bars() -> None:
    dates = [session_dates(samples.sample_bars(symbol).time) for symbol in samples.FINGERPRINTS]
    assert min(days[0] for days in dates).item() == samples.FIRST_SESSION
    assert max(days[-1] for days in dates).item() == samples.LAST_SESSION


def test_known_prices_are_as_the_readme_says() -> None:
    # The source's own adjusted close of 2013-03-01, 56.137353095488, to six decimals.
    assert samples.sample_bars("AAPL").close[-1] == 56.137353
    # The 2-for-1 splits of 2000-06-21 and 2005-02-28 leave no jump in the prices.
    bars = samples.sample_bars("AAPL")
    for split in ("2000-06-21", "2005-02-28"):
        row = int(np.flatnonzero(session_dates(bars.time) == np.datetime64(split))[0])
        assert 0.9 < bars.close[row] / bars.close[row - 1] < 1.1
