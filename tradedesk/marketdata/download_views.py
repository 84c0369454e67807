"""Pages: searching shares, downloading their bars, and keeping them up to date."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tradedesk.marketdata import assets, keeping
from tradedesk.marketdata.data_keys import NoKeys, access_of_user, has_access
from tradedesk.marketdata.download_forms import DownloadForm
from tradedesk.marketdata.download_requests import cancel, request_download
from tradedesk.marketdata.feeds.protocol import FeedFailed
from tradedesk.marketdata.library import visible_series
from tradedesk.marketdata.models import BarSeries, BarUpdate, Download, KeptSeries
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import ALPACA

FEEDS = {"iex": "Prices of one exchange, IEX", "sip": "Prices of all exchanges"}
SHOWN = 8
# Seconds for which a latest price is not asked for again.
PRICE_SECONDS = 5
# Looks at a latest price in a minute, of two requests each: of one user, and of all.
PRICES_PER_MINUTE, PRICES_OF_ALL = 20, 40
TOO_MANY = "Too many prices were asked for in this minute."


def panels(request: HttpRequest) -> dict[str, Any]:
    """What the data page shows of Alpaca."""
    user_id = _user_id(request)
    updates = BarUpdate.objects.filter(Q(owner=None) | Q(owner=user_id)) if settings.MARKET == "alpaca" else ()
    return {
        "has_access": has_access(user_id),
        "source": FEEDS[settings.ALPACA_FEED],
        "updates": updates,
        **_downloads(request),
    }


@require_safe
def shares(request: HttpRequest) -> HttpResponse:
    """The results of the search, which the data page loads while someone types."""
    words, now = request.GET.get("symbol", "").replace("\0", "").strip(), timezone.now()
    found = assets.search(words, _user_id(request), now) if has_access(_user_id(request)) else []
    stored: dict[str, list[BarSeries]] = defaultdict(list)
    for series in visible_series(_user_id(request)).filter(symbol__in=[asset.symbol for asset in found]):
        stored[series.symbol].append(series)
    context = {
        "words": words,
        "found": [(asset, stored[asset.symbol]) for asset in found],
        "is_listed": assets.is_listed(now),
    }
    return render(request, "marketdata/_shares.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def download(request: HttpRequest) -> HttpResponse:
    user_id = _user_id(request)
    if request.method == "POST":
        form = DownloadForm(request.POST)
        if form.is_valid() and _queued(request, form):
            return redirect("marketdata:list")
    else:
        asked = {
            name: request.GET[name].replace("\0", "") for name in ("symbols", "timeframe") if name in request.GET
        }
        form = DownloadForm(initial=asked)
    context = {"form": form, "has_access": has_access(user_id), "source": FEEDS[settings.ALPACA_FEED]}
    return render(request, "marketdata/download.html", context, status=422 if form.errors else 200)


def _queued(request: HttpRequest, form: DownloadForm) -> bool:
    values = form.cleaned_data
    try:
        queued = request_download(
            _user_id(request), form.symbol_list(), values["timeframe"], values["start"], now=timezone.now()
        )
    except ImportRefused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return False
    except NoKeys as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, f"{queued} is being downloaded.")
    if values["keep"]:
        _keep(request, queued.symbols, queued.timeframe)
    return True


def _keep(request: HttpRequest, symbols: list[str], timeframe: str) -> bool:
    try:
        keeping.keep(_user_id(request), symbols, timeframe, timezone.now())
    except ImportRefused as refusal:
        messages.error(request, str(refusal))
        return False
    return True


@require_safe
def downloads(request: HttpRequest) -> HttpResponse:
    """The panel of the downloads, which polls while one is not finished; then the page reads its series again."""
    context = _downloads(request)
    response = render(request, "marketdata/_downloads.html", context)
    if not context["is_downloading"]:
        response["HX-Trigger"] = "downloaded"
    return response


@require_POST
def download_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Download, pk=pk, user=_user_id(request))
    if cancel(found, timezone.now()):
        messages.success(request, f"{found} was cancelled. What was downloaded stays.")
    else:
        messages.error(request, f"{found} was finished already.")
    return redirect("marketdata:list")


@require_POST
def series_keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a downloaded series up to date, or stop doing so."""
    series = get_object_or_404(visible_series(_user_id(request)), pk=pk, provider=ALPACA)
    if request.POST.get("keep") == "1":
        if _keep(request, [series.symbol], series.timeframe):
            messages.success(request, f"{series} is downloaded again after each session.")
    else:
        keeping.stop_keeping(_user_id(request), series.symbol, series.timeframe, timezone.now())
        messages.success(request, f"{series} is no longer downloaded after each session.")
    return redirect("marketdata:series", pk)


@require_safe
def series_latest(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest price of a downloaded series, which its page loads with htmx: it asks Alpaca."""
    series = get_object_or_404(visible_series(_user_id(request)), pk=pk, provider=ALPACA)
    context = {"series": series, "latest": _latest(_user_id(request), series.symbol), "now": timezone.now()}
    return render(request, "marketdata/_latest.html", context)


@dataclass(frozen=True, slots=True)
class Latest:
    """Dollars per share with their times; error: why there are none."""

    source: str
    price: Decimal | None = None
    price_at: datetime | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    quoted_at: datetime | None = None
    error: str = ""


def _latest(user_id: int, symbol: str) -> Latest:
    """Asked once in a few seconds, whoever looks: with the keys of this user."""
    key = f"latest-{user_id}-{symbol}"
    found: Latest | None = cache.get(key)
    if found is None:
        found = (
            _asked(user_id, symbol) if _may_ask(user_id) else Latest(FEEDS[settings.ALPACA_FEED], error=TOO_MANY)
        )
        cache.set(key, found, PRICE_SECONDS)
    return found


def _may_ask(user_id: int) -> bool:
    """The requests of a minute are there for the bars that strategies wait for, and all users share those of the
    installation's keys."""
    limits = {f"latest-asked-{user_id}": PRICES_PER_MINUTE}
    if settings.ALPACA_DATA_KEY_ID:
        limits["latest-asked"] = PRICES_OF_ALL
    for key, most in limits.items():
        cache.add(key, 0, 60)
        try:
            if cache.incr(key) > most:
                return False
        except ValueError:  # the minute has just ended
            continue
    return True


def _asked(user_id: int, symbol: str) -> Latest:
    source, now = FEEDS[settings.ALPACA_FEED], timezone.now()
    try:
        feed = access_of_user(user_id).feed()
        trade, quote = feed.trades([symbol], now).get(symbol), feed.quotes([symbol], now).get(symbol)
    except FeedFailed as failure:
        return Latest(source, error=str(failure))
    return Latest(
        source,
        price=trade.price if trade else None,
        price_at=trade.time if trade else None,
        bid=quote.bid if quote else None,
        ask=quote.ask if quote else None,
        quoted_at=quote.time if quote else None,
    )


def _user_id(request: HttpRequest) -> int:
    """Of the user, who is logged in on all of these pages."""
    return int(request.user.pk or 0)


def is_kept(user_id: int | None, series: BarSeries) -> bool:
    return KeptSeries.objects.filter(user=user_id, symbol=series.symbol, timeframe=series.timeframe).exists()


def _downloads(request: HttpRequest) -> dict[str, Any]:
    """Those that are not finished, and the last ones of those that are."""
    mine: QuerySet[Download] = Download.objects.filter(user=_user_id(request))
    unfinished = list(mine.filter(finished_at=None)[:50])
    finished = list(mine.exclude(finished_at=None)[:SHOWN])
    return {"downloads": [*unfinished, *finished], "is_downloading": bool(unfinished)}
