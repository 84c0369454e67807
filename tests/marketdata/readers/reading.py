"""Reading a text as a file."""

from io import BytesIO

from tests.marketdata.examples import HEADER
from tradedesk.core.bars import Bars, Timeframe
from tradedesk.marketdata import store
from tradedesk.marketdata.readers import DateOrder, FileSeries, read_file

FIRST, SECOND, THIRD = (
    "2012-03-05,9.5,11,9,10,1000",
    "2012-03-06,10.5,12,10,11,1000",
    "2012-03-07,11.5,13,11,12,1000",
)


def read_all(
    content: str | bytes,
    timeframe: Timeframe = Timeframe.DAY,
    *,
    name: str = "acme.csv",
    adjusted: bool = True,
    date_order: DateOrder | None = None,
) -> list[FileSeries]:
    data = content.encode() if isinstance(content, str) else content
    return read_file(BytesIO(data), name, timeframe, adjusted=adjusted, date_order=date_order)


def read(
    content: str | bytes,
    timeframe: Timeframe = Timeframe.DAY,
    *,
    adjusted: bool = True,
    date_order: DateOrder | None = None,
) -> FileSeries:
    """The only series of a file."""
    (found,) = read_all(content, timeframe, adjusted=adjusted, date_order=date_order)
    return found


def lines(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows, ""])


def same(one: Bars, other: Bars) -> bool:
    return store.fingerprint_of(one) == store.fingerprint_of(other)
