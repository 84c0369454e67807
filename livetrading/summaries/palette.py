"""What the command palette finds of one user: symbols, strategies, pages and actions. Its cost is bounded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from livetrading.models import LiveStrategy
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.library import visible_series

# Of each group, and the newest strategies that are looked through.
SHOWN, SEARCHED = 6, 300
LONGEST = 100
SYMBOL = 15


@dataclass(frozen=True, slots=True)
class Item:
    """do: what the page itself does in place of opening `url`. words: more that finds it."""

    group: str
    label: str
    detail: str = ""
    url: str = ""
    icon: str = ""
    do: str = ""
    words: str = ""


# Label, the name of the page, its icon, and other words for it.
PAGES = [
    ("Home", "home", "home", "dashboard start account equity"),
    ("Live Trading", "livetrading:dashboard", "rocket", "deployments positions orders running"),
    ("Trades", "livetrading:trades", "trades", "history fills closed pnl"),
    ("Signals", "livetrading:signals", "signals", "decisions log"),
    ("Strategies", "strategies:list", "strategies", "rules"),
    ("Backtests", "backtests:list", "backtests", "results tests"),
    ("Optimizer", "backtests:optimizer", "optimizer", "parameters search ranking"),
    ("Data", "marketdata:list", "data", "bars prices symbols series"),
    ("Analytics", "livetrading:analytics", "analytics", "contribution correlation exposure"),
    ("Risk Rules", "livetrading:risk_rules", "risk", "limits account drawdown"),
    ("Notifications", "notifications:inbox", "bell", "inbox messages alerts"),
    ("Settings", "accounts:settings", "settings", "profile email address"),
    ("Security", "accounts:security", "lock", "password two-factor 2fa sessions passkey settings"),
    ("API tokens", "accounts:tokens", "key", "settings"),
    ("Broker accounts", "livetrading:brokers", "broker", "alpaca keys settings"),
    ("Notification settings", "notifications:preferences", "bell", "channels telegram webhook email"),
    ("Defaults", "backtests:defaults", "optimizer", "backtests costs capital size benchmark settings"),
    ("Records", "accounts:audit", "records", "audit settings"),
    ("Glossary", "glossary", "info", "metrics formulas words help"),
    ("API documentation", "api:api_docs", "external", "rest swagger"),
]
ACTIONS = [
    ("New strategy", "strategies:new", "plus", "create add"),
    ("New backtest", "backtests:new", "plus", "create test run"),
    ("Deploy with settings", "livetrading:new", "rocket", "live start"),
    ("Upload bars", "marketdata:upload", "upload", "import csv data prices"),
    ("Download bars", "marketdata:download", "download", "alpaca data prices"),
    ("Stop trading", "livetrading:stop_trading", "stop", "halt flatten cancel kill panic resume"),
]


def find(user: User, query: str) -> list[Item]:
    """The groups in their order, each with its best matches first. At most three queries; none without words."""
    words = query.casefold().split()
    if not words:
        return [*best(_fixed("Pages", PAGES), words), *best(_actions(user), words)]
    return [
        *_symbols(user, query.strip()),
        *best(_strategies(user), words),
        *best(_fixed("Pages", PAGES), words),
        *best(_actions(user), words),
    ]


def best(entries: Iterable[Item], words: list[str]) -> list[Item]:
    """Those with every word: those whose label begins with the first one, then those with all in the label."""
    found = [entry for entry in entries if all(word in _text(entry) for word in words)]
    return sorted(found, key=lambda entry: _rank(entry, words))[:SHOWN]


def _text(entry: Item) -> str:
    return f"{entry.label} {entry.detail} {entry.words}".casefold()


def _rank(entry: Item, words: list[str]) -> int:
    label = entry.label.casefold()
    if words and label.startswith(words[0]):
        return 0
    return 1 if all(word in label for word in words) else 2


def _fixed(group: str, rows: Iterable[tuple[str, str, str, str]]) -> Iterator[Item]:
    for label, name, icon, words in rows:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        yield Item(group, label, url=url, icon=icon, words=words)


def _actions(user: User) -> list[Item]:
    theme = Item("Actions", "Switch theme", "Light or dark", icon="theme", do="theme", words="colour color")
    log_out = Item("Actions", "Log out", url=reverse("account_logout"), icon="user", words="sign out exit")
    entries = [*_fixed("Actions", ACTIONS)]
    if user.mode == Mode.PAPER:
        live = reverse("livetrading:go_live")
        entries.append(Item("Actions", "Switch to live", "Asks first", live, "switch", words="real money mode"))
    return [*entries, theme, log_out]


def _symbols(user: User, query: str) -> list[Item]:
    """The series whose symbol begins so."""
    if len(query) > SYMBOL:
        return []
    series = visible_series(user.pk).filter(symbol__startswith=query.upper())
    rows = series.values_list("pk", "symbol", "timeframe", "provider")[:SHOWN]
    return [
        Item("Symbols", symbol, f"{timeframe} bars, {provider}", reverse("marketdata:series", args=[pk]), "chart")
        for pk, symbol, timeframe, provider in rows
    ]


def _strategies(user: User) -> Iterator[Item]:
    """Deployed ones first; the newest of each."""
    live = user.live_strategies.filter(deleted_at=None).order_by("-pk")
    for pk, name, mode, status in live.values_list("pk", "name", "account__mode", "status")[:SEARCHED]:
        detail = f"{Mode(mode).label}, {str(LiveStrategy.Status(status).label).lower()}"
        yield Item("Strategies", name, detail, reverse("livetrading:detail", args=[pk]), "rocket")
    for pk, name in user.strategies.order_by("-pk").values_list("pk", "name")[:SEARCHED]:
        yield Item("Strategies", name, "Rules", reverse("strategies:detail", args=[pk]), "strategies")
