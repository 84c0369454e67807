"""Which of the series of a file a trader means."""

import re
from collections.abc import Sequence

from tradedesk.marketdata.readers.file_series import FileSeries
from tradedesk.marketdata.readers.symbol_names import file_symbol, symbol_of_name
from tradedesk.marketdata.refusal import ImportRefused


def choose(found: Sequence[FileSeries], symbol: str, *, alone: bool = True) -> list[tuple[str, FileSeries]]:
    """The series of the file to store, each with its symbol: those of `symbol`, or all if that is empty.

    A file that names no symbol has the bars of the asked one, if it is `alone`; of several files, the name of each
    counts, if it begins with a symbol. If none is asked, it must. Raises ImportRefused at the field "symbol".
    """
    by_name = len(found) > 1 or not alone
    named = [(series.symbol or (symbol_of_name(series.source) if by_name else ""), series) for series in found]
    if not symbol:
        named = [(name or symbol_of_name(series.source), series) for name, series in named]
        if nameless := [series.source for name, series in named if not name]:
            raise ImportRefused(
                f"“{nameless[0]}” names no symbol, in a column or at the start of its name. Name it (--symbol).",
                "symbol",
            )
        return named
    own = [(symbol, series) for name, series in named if not name or _plain(name) == _plain(file_symbol(symbol))]
    if own:
        return own
    others = list(dict.fromkeys(name for name, _ in named))
    shown = ", ".join(others[:5]) + (f" and {len(others) - 5:,} more" if len(others) > 5 else "")
    raise ImportRefused(
        f"The file has bars of {shown}, not of {symbol}. Import it under the symbol that it names, or without a "
        "symbol to import all.",
        "symbol",
    )


def _plain(symbol: str) -> str:
    """BRK.B, BRK-B and BRK/B are one symbol."""
    return re.sub(r"\W", ".", symbol).upper()
