"""Reading a trader's own file of bars: CSV or Parquet, told apart by its first bytes."""

from typing import BinaryIO

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.readers.columns import FileBars
from tradedesk.marketdata.readers.delimited import read_delimited
from tradedesk.marketdata.readers.parquet import read_parquet

__all__ = ["FileBars", "read_bars"]


def read_bars(file: BinaryIO, timeframe: Timeframe, *, adjusted: bool) -> FileBars:
    """Valid bars from an open, seekable file. Raises ImportRefused, naming the line (CSV) or the row (Parquet).

    adjusted: the file's prices are adjusted for splits. If not, its adjusted close adjusts them, where it has one.
    """
    start = file.read(4)
    file.seek(0)
    read = read_parquet if start == b"PAR1" else read_delimited
    return read(file, timeframe).as_bars(timeframe, adjusted=adjusted)
