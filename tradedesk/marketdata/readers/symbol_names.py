"""Symbols as files write them, and as the desk does."""

import re
from pathlib import PurePosixPath

# “NASDAQ:AAPL” of charting sites, “AAPL.US” of Stooq, “AAPL US Equity” of terminals.
_AROUND = re.compile(r"^[A-Z_]+:|\.US$|\s+U[SNQW](?:\s+EQUITY)?$")
_LONGEST = 40
_EXTENSIONS = re.compile(r"(?:\.(?:csv|txt|tsv|xlsx|xlsm|json|jsonl|ndjson|parquet|pq|gz|zip))+$", re.IGNORECASE)
_EXCHANGE = re.compile(r"^(?:NASDAQ|NYSE|AMEX|ARCA|BATS|CBOE|OTC)_")
_LIKELY = re.compile(r"[A-Z][A-Z0-9]{0,9}(?:[.\-][A-Z]{1,4})?")
# How files are called that are not called by a symbol.
_NO_SYMBOLS = {
    "BARS", "CHART", "DAILY", "DATA", "DOWNLOAD", "EXPORT", "FILE", "HISTORICAL", "HISTORY", "OHLC", "OHLCV",
    "PRICE", "PRICES", "QUOTE", "QUOTES", "README", "SHEET", "SHEET1", "STOCK", "STOCKS", "TABLE",
}  # fmt: skip


def file_symbol(text: str) -> str:
    """The symbol in upper case without its exchange or country: AAPL of “aapl.us”, BTC-USD of “BTC/USD”."""
    return _AROUND.sub("", text.strip().upper()).replace("/", "-").strip()[:_LONGEST]


def symbol_of_name(name: str) -> str:
    """The symbol that the name of a file or a sheet begins with: AAPL of “aapl.us.txt” and “AAPL_1Day.csv”; "" for
    none."""
    stem = _EXTENSIONS.sub("", PurePosixPath(name).name)
    word = re.split(r"[_,\s]+", _EXCHANGE.sub("", file_symbol(stem)))[0]
    return word if _LIKELY.fullmatch(word) and word not in _NO_SYMBOLS else ""
