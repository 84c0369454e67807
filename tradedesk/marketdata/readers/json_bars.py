"""JSON: bars as objects, in the forms of Alpaca and similar services, or one object on each line."""

import json
from typing import Any, BinaryIO

from tradedesk.marketdata.readers.grids import table_of_grid
from tradedesk.marketdata.readers.table import Table
from tradedesk.marketdata.refusal import ImportRefused

MAX_BYTES = 100 * 1024 * 1024
MAX_COLUMNS = 200
# Where services keep the list of bars.
LISTS = ("bars", "results", "values", "historical", "data", "candles")
# Where Alpha Vantage keeps bars by their time: "Time Series (Daily)".
BY_TIME = "Time Series"
SYMBOLS = ("symbol", "ticker")
FORMS = (
    "Bars are read from a list of objects such as "
    '[{"t": "2023-01-03T05:00:00Z", "o": 1, "h": 2, "l": 1, "c": 2, "v": 100}], from {"bars": {"AAPL": [...]}}, '
    'and from {"symbol": "AAPL", "bars": [...]}. Or save the file as CSV.'
)


def read_json(file: BinaryIO, name: str) -> Table:
    """The bars of a JSON file. Raises ImportRefused."""
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ImportRefused(f"The JSON file has more than {MAX_BYTES >> 20} MB. Save it as CSV or Parquet.")
    document = _parsed(content)
    bars = list(_bars(document))
    if not bars:
        raise ImportRefused(f"The JSON file has no bars in a form that is known. {FORMS}")
    titles = list(dict.fromkeys(title for bar in bars for title in bar))[:MAX_COLUMNS]
    rows = [titles, *([_text(bar.get(title)) for title in titles] for bar in bars)]
    table = table_of_grid(rows, range(len(rows)), "Bar", name)
    if isinstance(document, dict) and document.get("next_page_token"):
        note = "The file is one page of several (next_page_token): later bars are missing."
        return Table(table.layout, table.columns, table.places, (*table.notes, note), source=name)
    return table


def _parsed(content: bytes) -> Any:
    """Numbers stay text, so that they are read like those of other files."""
    options: dict[str, Any] = {"parse_float": str, "parse_int": str, "parse_constant": str}
    try:
        text = content.decode(json.detect_encoding(content))
        try:
            return json.loads(text, **options)
        except json.JSONDecodeError:
            lines = [line for line in text.splitlines() if line.strip()]
            if len(lines) < 2 or not lines[0].rstrip().endswith("}"):
                raise
            return [json.loads(line, **options) for line in lines]
    except (ValueError, RecursionError) as error:
        raise ImportRefused(f"The file begins like JSON, but it is none: {str(error)[:100]}.") from None


def _bars(document: Any) -> "list[dict[str, Any]]":
    """The objects of the bars, each with its symbol where the file names one."""
    if isinstance(document, list):
        return document if all(isinstance(bar, dict) for bar in document) else []
    if not isinstance(document, dict):
        return []
    found = next((document[key] for key in LISTS if isinstance(document.get(key), list | dict)), None)
    if found is None and (series := [each for key, each in document.items() if key.startswith(BY_TIME)]):
        return _bars_by_time(series[0], document.get("Meta Data"))
    if isinstance(found, dict):
        return [{"symbol": symbol, **bar} for symbol, bars in found.items() for bar in _bars(bars)]
    symbol = next((document[key] for key in SYMBOLS if isinstance(document.get(key), str)), None)
    bars = _bars(found)
    return [{"symbol": symbol, **bar} for bar in bars] if symbol else bars


def _bars_by_time(bars: Any, about: Any) -> "list[dict[str, Any]]":
    if not isinstance(bars, dict) or not all(isinstance(bar, dict) for bar in bars.values()):
        return []
    symbol = {"symbol": about["2. Symbol"]} if isinstance(about, dict) and "2. Symbol" in about else {}
    return [{**symbol, "time": time, **bar} for time, bar in bars.items()]


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | bool) else ""
