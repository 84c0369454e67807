"""What the titles of columns mean."""

import re

# The titles of what a column holds, from the surest to the weakest; a line has equally sure ones. In English, and
# in the languages of the usual exporters.
_TITLES: dict[str, list[str]] = {
    "open": [
        "open o",
        "openprice openingprice eröffnung eroeffnung eröffn erster ouverture apertura otwarcie abertura",
    ],
    "high": ["high h", "highprice hoch tageshoch plushaut máximo maximo massimo max najwyzszy máxima"],
    "low": ["low l", "lowprice tief tagestief plusbas mínimo minimo min najnizszy mínima"],
    "close": [
        "close c",
        "closelast closeprice closingprice last lastprice latest lasttrade settle settlement",
        "schluss schlusskurs clôture cloture cierre chiusura zamkniecie fechamento último ultimo dernier zuletzt",
        "price",
    ],
    "volume": [
        "volume v",
        "vol totalvolume volumetraded sharestraded tradedvolume realvolume volumen umsatz volumi wolumen stücke",
        "",  # other titles that begin with “volume”; see `meaning`
    ],
    # The number of price changes, which stands in for the volume where there is none.
    "ticks": ["tickvolume tickvol ticks"],
    "adjusted close": ["adjclose adjustedclose adjclosed adjusted closeadj adjcloseprice"],
    "symbol": [
        "symbol ticker sym s tic instrumentsymbol actsymbol stocksymbol tickersymbol",
        "name stock code security instrument ric",
    ],
}
TITLES = {role: [names.split() for names in ranks] for role, ranks in _TITLES.items()}
_MEANINGS = {
    name: (role, weakness)
    for role, ranks in TITLES.items()
    for weakness, titles in enumerate(ranks)
    for name in titles
}
# Of a column of times. pandas saves an unnamed index as __index_level_0__.
_TIMES = (
    "date datetime timestamp time t day opentime unix unixtime unixtimestamp epoch windowstart tsevent beginsat "
    "bartime timestart starttime startdate startdatetime tradedate tradingdate pricedate quotedate datadate caldt "
    "dt ts gmttime localtime utctime timeutc dateutc datetimeutc timestamputc dategmt moment dateandtime zeit "
    "datum fecha data indexlevel0"
)
TIMES = frozenset(_TIMES.split())
# Titles of an index, or of the corner of a table, that say nothing.
UNNAMED = {"", "unnamed0", "index", "row", "price", "attributes", "ticker", "symbols"}
TICKERS = {"ticker", "tickers", "symbol", "symbols"}
NOT_VOLUME = re.compile(r"volume(ma|sma|ema|avg|average|mean|change|weighted|profile|osc|delta).*|.*%.*")


def plain(title: str) -> str:
    """A title in lower case without what stands in brackets, numbering in front, spaces and signs."""
    title = re.sub(r"\([^)]*\)|\[[^\]]*\]|^\s*\d+\.\s", "", title)
    return re.sub(r"[^\w%]|_", "", title).lower()


def meaning(title: str) -> tuple[str, int] | None:
    """What a column holds by its title, a key of TITLES, and how weak the title is for that; None for nothing."""
    name = plain(title)
    if name in _MEANINGS:
        return _MEANINGS[name]
    if name.startswith("volume") and not NOT_VOLUME.fullmatch(name):
        return "volume", len(TITLES["volume"]) - 1
    return None


def is_time(title: str) -> bool:
    return plain(title) in TIMES


def parts(title: str) -> tuple[str, str]:
    """The title and the symbol of “AAPL.Open”, “Close_AAPL” or “('Close', 'AAPL')”; ("", "") for others."""
    if pair := re.fullmatch(r"\(\s*'([^']*)',\s*'([^']*)'\s*\)", title.strip()):
        first, second = pair.groups()
        return (first, second) if meaning(first) or is_time(first) else (second, first)
    words = "open|high|low|close|volume|adjusted|adj[ ._]?close"
    if pair := re.fullmatch(rf"(\S+)[ ._]({words})", title.strip(), re.IGNORECASE):
        return pair[2], pair[1]
    if pair := re.fullmatch(rf"({words})[ ._](\S+)", title.strip(), re.IGNORECASE):
        return pair[1], pair[2]
    return "", ""
