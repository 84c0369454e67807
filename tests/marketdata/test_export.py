"""Downloaded bars, read back, are the same bars."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given

from tests.marketdata.examples import any_bars, daily_bars, minute_bars
from tradedesk.core.bars import Bars, Timeframe
from tradedesk.marketdata import export
from tradedesk.marketdata.export import CONTENT_TYPES, chunks_of
from tradedesk.marketdata.readers import read_file
from tradedesk.marketdata.store import decode, fingerprint_of


@pytest.mark.parametrize("file_format", CONTENT_TYPES)
@pytest.mark.parametrize("timeframe", ["1Day", "1Min"])
def test_the_import_of_a_download_gives_the_same_bars(
    monkeypatch: pytest.MonkeyPatch, file_format: str, timeframe: str
) -> None:
    monkeypatch.setattr(export, "CSV_ROWS", 4)
    monkeypatch.setattr(export, "PARQUET_ROWS", 4)
    plain = daily_bars(11) if timeframe == "1Day" else minute_bars(11)
    factor = 1 + np.arange(11) / 3
    columns = (plain.open, plain.high, plain.low, plain.close, plain.volume)
    bars = Bars(plain.time, *(column * factor for column in columns))
    chunks = list(chunks_of(bars, timeframe, file_format))
    assert len(chunks) > 3
    name = f"bars.{file_format}"
    (read,) = read_file(BytesIO(b"".join(chunks)), name, Timeframe(timeframe), adjusted=True)
    assert fingerprint_of(read.bars) == fingerprint_of(bars)


@given(bars=any_bars())
def test_parquet_keeps_every_bit(bars: Bars) -> None:
    assert fingerprint_of(decode(b"".join(chunks_of(bars, "1Min", "parquet")))) == fingerprint_of(bars)
