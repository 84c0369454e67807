"""Finding the titles of the columns among the first rows of a file, and what each column holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pyarrow as pa

from tradedesk.marketdata.readers import dates, names, zones
from tradedesk.marketdata.readers.arrays import text_array
from tradedesk.marketdata.readers.numbers import read_numbers
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.symbols import SYMBOL

PRICES = ("open", "high", "low", "close")
Grid = Sequence[Sequence[str]]
# Title lines, and rows that tell what a column without a title holds.
LOOK_AT, SAMPLE = 60, 200


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the columns of a file hold, by position.

    first: the row of the grid with the first bar. titles: "" where there is none. time: the column of the time, or
    two of date and time of day. title_zone: the zone that its title names. symbol: its column, if any. groups: for
    each symbol that the titles name, or "" for none, the column of each role (names.TITLES).
    """

    first: int
    titles: tuple[str, ...]
    time: tuple[int, ...]
    title_zone: str
    symbol: int | None
    groups: dict[str, dict[str, int]]
    notes: tuple[str, ...] = ()

    @property
    def price(self) -> int:
        """A column of prices: every bar has a value there."""
        return next(iter(self.groups.values()))["close"]

    @property
    def positions(self) -> list[int]:
        """The columns that are needed, ascending."""
        used = {*self.time, *(position for roles in self.groups.values() for position in roles.values())}
        return sorted(used if self.symbol is None else used | {self.symbol})


def find_layout(grid: Grid, *, decimal_comma: bool) -> Layout:
    """The layout of a file of which these are the first rows, as text. Raises ImportRefused.

    decimal_comma: as read_numbers wants it.
    """
    looked = grid[:LOOK_AT]
    scores = [_score(row) for row in looked]
    best = max(range(len(looked)), key=lambda row: scores[row], default=0)
    if not looked or scores[best] < 2:
        found = _without_titles(grid, decimal_comma=decimal_comma)
        if found or not looked or not scores[best]:
            if found is None:
                _no_titles(looked)
            return found
    return _with_titles(grid, best)


def score(grid: Grid) -> int:
    """How many prices the best row of titles among these names."""
    return max(map(_score, grid[:LOOK_AT]), default=0)


def _score(row: Sequence[str]) -> int:
    return max(_plain_score(row), _plain_score([names.parts(title)[0] for title in row]))


def _plain_score(row: Sequence[str]) -> int:
    return len({known[0] for title in row if (known := names.meaning(title))} & {*PRICES})


def _with_titles(grid: Grid, row: int) -> Layout:
    titles, first = [title.strip() for title in grid[row]], row + 1
    symbols = [""] * len(titles)
    if row and _is_tickers(grid[row - 1]) and len(grid[row - 1]) == len(titles):
        symbols = [cell.strip() for cell in grid[row - 1]]
    while first < len(grid):
        cells = [cell.strip() for cell in grid[first]]
        if (
            names.plain(next(iter(cells), "-")) in names.TICKERS
            and _score(cells) == 0
            and _same_kind(cells, titles)
        ):
            symbols = cells + [""] * (len(titles) - len(cells))
        elif cells and names.is_time(cells[0]) and not any(cells[1:]):
            titles[0] = cells[0]
        elif any(cells):
            break
        first += 1
    sample = [[*cells, *[""] * (len(titles) - len(cells))] for cells in grid[first : first + SAMPLE] if any(cells)]
    width = max((len(cells) for cells in sample), default=len(titles))
    if width == len(titles) + 1 and _has_row_names(titles, sample):
        titles, symbols = ["", *titles], ["", *symbols]  # R leaves out the title of its row names
    _refuse_wider(titles, sample)
    if symbols[0]:
        symbols[0] = ""
    groups = _groups(titles, symbols)
    time = _time(titles, sample, {position for roles in groups.values() for position in roles.values()})
    _refuse_missing(groups, time, titles)
    above = [text for cells in grid[:row] if (text := " ".join(cells).strip()) and cells is not symbols]
    notes = (f"Above the column names, “{above[0][:60]}” was left out.",) if above and not any(symbols) else ()
    zone = next((zone for position in time if (zone := zones.zone_in_title(titles[position]))), "")
    return Layout(first, tuple(titles), time, zone, _symbol(titles, sample, groups), groups, notes)


def _has_row_names(titles: Sequence[str], sample: Grid) -> bool:
    """Whether each row has a value more than there are titles, in front: no date stands under the title of one."""
    dated = [place for place, title in enumerate(titles) if names.is_time(title)]
    moved = not dated or not dates.content_of(_cells(sample, dated[0]))
    return moved and all(len(cells) == len(titles) + 1 and cells[-1].strip() for cells in sample)


def _refuse_wider(titles: Sequence[str], sample: Grid) -> None:
    """Raise ImportRefused if most rows have values under no title: then none is sure to be under its own."""
    wider = [cells for cells in sample if any(cell.strip() for cell in cells[len(titles) :])]
    if 2 * len(wider) > len(sample):
        raise ImportRefused(
            f"The rows have {len(wider[0])} values, but the file names {len(titles)} columns. Name every column; "
            "numbers with a decimal comma need another separator than the comma, or quotes."
        )


def _is_tickers(row: Sequence[str]) -> bool:
    return bool(row) and names.plain(row[0]) in names.TICKERS


def _same_kind(cells: Sequence[str], titles: Sequence[str]) -> bool:
    """Whether a row below the titles names symbols: one for each title, none of them a number."""
    named = [cell for cell in cells[1:] if cell]
    return bool(named) and len(cells) <= len(titles) and not any(_is_number(cell) for cell in named)


def _is_number(text: str) -> bool:
    numbers, _ = read_numbers([text_array([text])], decimal_comma=False)
    return bool(np.isfinite(numbers[0].values[0]))


def _groups(titles: Sequence[str], symbols: Sequence[str]) -> dict[str, dict[str, int]]:
    """For each symbol the surest column of each role. Raises ImportRefused if two are equally sure."""
    plain = _plain_score(titles) >= 2 or _score(titles) < 2
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for position, title in enumerate(titles):
        name, symbol = (title, symbols[position]) if plain else names.parts(title)
        known = names.meaning(name)
        if known is None or known[0] == "symbol" or (position == 0 and names.plain(title) in names.UNNAMED):
            continue
        role, weakness = known
        roles = found.setdefault(symbol, {})
        other = roles.get(role)
        if other and other[0] == weakness and (role, weakness) != ("volume", len(names.TITLES["volume"]) - 1):
            raise ImportRefused(
                f"“{titles[other[1]]}” and “{title}” could both be the column {role}. Keep one of them."
            )
        if other is None or weakness < other[0]:
            roles[role] = (weakness, position)
    if len(found) > 1 and "" in found:
        del found[""]
    return {symbol: {role: place for role, (_, place) in roles.items()} for symbol, roles in found.items()}


def _time(titles: Sequence[str], sample: Grid, taken: set[int]) -> tuple[int, ...]:
    """The column of the time, or those of date and time of day; () for none. What they hold decides."""
    free = [position for position in range(len(titles)) if position not in taken]
    named = [position for position in free if names.is_time(titles[position])]
    for candidates in (named, [place for place in free if names.plain(titles[place]) in names.UNNAMED]):
        contents = {position: dates.content_of(_cells(sample, position)) for position in candidates}
        of = {content: place for place, content in reversed(contents.items())}
        if "epoch" in of:
            return (of["epoch"],)
        if "moment" in of:
            return (of["moment"],)
        if day := [place for place, content in contents.items() if content in ("date", "serial")]:
            clocks = [place for place, content in contents.items() if content == "clock"]
            clocks += [place for place in candidates if place not in day and _counts(_cells(sample, place))]
            return (day[0], clocks[0]) if clocks and contents[day[0]] == "date" else (day[0],)
    return (named[0],) if named else ()


def _cells(sample: Grid, position: int) -> pa.Array:
    return text_array([row[position].strip() if position < len(row) else "" for row in sample])


def _counts(cells: pa.Array) -> bool:
    """Whether a column has times of day as numbers: 0, 930, 093000."""
    found = [text for text in cells.to_pylist() if text]
    return bool(found) and all(text.isdecimal() and len(text) <= 6 and int(text) < 240_000 for text in found)


def _symbol(titles: Sequence[str], sample: Grid, groups: dict[str, dict[str, int]]) -> int | None:
    """The column with symbols, unless the titles name them. A name counts only if it has the form of symbols."""
    if any(groups):
        return None
    ranked = sorted(
        (known[1], position)
        for position, title in enumerate(titles)
        if (known := names.meaning(title)) and known[0] == "symbol"
    )
    for weakness, position in ranked:
        cells = [text for text in _cells(sample, position).to_pylist() if text]
        if cells and (weakness == 0 or all(SYMBOL.fullmatch(text) and text.isupper() for text in cells)):
            return position
    return None


def _refuse_missing(groups: dict[str, dict[str, int]], time: tuple[int, ...], titles: Sequence[str]) -> None:
    for symbol, roles in (groups or {"": {}}).items():
        missing = [] if time else ["time"]
        missing += [role for role in PRICES if role not in roles]
        if missing:
            listed = ", ".join(f"“{title.strip()[:40]}”" for title in titles[:20])
            raise ImportRefused(
                f"Missing column{'s' if len(missing) > 1 else ''}{f' of {symbol}' if symbol else ''}: "
                f"{', '.join(missing)}. The file has {listed}. Name the columns time (or date), open, high, low, "
                "close, volume."
            )


def _without_titles(grid: Grid, *, decimal_comma: bool) -> Layout | None:
    """A file that begins with its first bar: [symbol,] date [, time], open, high, low, close [, volume]."""
    rows = [[cell.strip() for cell in row] for row in grid if any(cell.strip() for cell in row)][:SAMPLE]
    width = max(set(map(len, rows)), key=list(map(len, rows)).count) if rows else 0
    rows = [row for row in rows if len(row) == width]
    contents = [dates.content_of(_cells(rows, position)) for position in range(width)]
    date = next((place for place, content in enumerate(contents) if content in ("date", "moment", "epoch")), None)
    if date is None or not dates.content_of(_cells(rows[:1], date)):
        return None  # the first row has names that are not known
    for start in (date + 1, date + 2):
        if start + 4 > width or (start == date + 2 and contents[date] != "date"):
            continue
        prices, _ = read_numbers([_cells(rows, start + place) for place in range(4)], decimal_comma=decimal_comma)
        opened, high, low, close = (price.values for price in prices)
        if ((high >= np.maximum(opened, close)) & (low <= np.minimum(opened, close)) & (low > 0)).mean() > 0.5:
            time = (date,) if start == date + 1 else (date, date + 1)
            roles = {role: start + place for place, role in enumerate(PRICES)}
            if start + 4 < width:
                roles["volume"] = start + 4
            symbols = [set(_cells(rows, place).to_pylist()) for place in range(date)]
            symbol = next((place for place, cells in enumerate(symbols) if _are_symbols(cells)), None)
            order = ", ".join(
                [*(["symbol"] if symbol is not None else []), "date", *["time"][: len(time) - 1], *roles]
            )
            note = f"The file has no column names; its columns were read as {order}."
            first = next(row for row, cells in enumerate(grid) if len(cells) == width and any(cells))
            return Layout(first, ("",) * width, time, "", symbol, {"": roles}, (note,))
    return None


def _are_symbols(texts: set[str]) -> bool:
    """Whether a column without a title has these symbols, and not the numbers of its rows."""
    return all(map(SYMBOL.fullmatch, texts)) and not (len(texts) > 1 and all(map(str.isdecimal, texts)))


def _no_titles(grid: Grid) -> NoReturn:
    first = next((" ".join(row).strip()[:80] for row in grid if any(row)), "")
    if _score(first.split()) >= 2:
        raise ImportRefused(
            f"The columns of “{first}” stand apart by spaces alone. Save the file with commas, semicolons or tabs "
            "between them."
        )
    raise ImportRefused(
        f"No row of the file names its columns. It begins with “{first}”. Put a line with the names time (or "
        "date), open, high, low, close, volume in front of the prices."
    )
