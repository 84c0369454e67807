"""Reading a file of bars. The first bytes decide whether it is Parquet or CSV."""

from typing import BinaryIO

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.readers.columns import FileBars
from tradedesk.marketdata.readers.delimited import read_delimited
from tradedesk.marketdata.readers.parquet import read_parquet

__all__ = ["FileBars", "read_bars"]


def read_bars(file: BinaryIO, timeframe: Timeframe, *, adjusted: bool) -> FileBars:
    """Valid bars from an open, seekable file. Raises ImportRefused, which names the line (CSV) or the row
    (Parquet).

    adjusted: the prices are already adjusted for splits. If not, the adjusted close of the file, if any, adjusts
    them.
    """
    start = file.read(4)
    file.seek(0)
    read = read_parquet if start == b"PAR1" else read_delimited
    return read(file, timeframe).as_bars(timeframe, adjusted=adjusted)
