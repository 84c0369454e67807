"""A small site for the tests of the front end's scripts."""

import json
import time
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.urls import include, path
from django.views.decorators.http import require_POST

REGION = """
<section id="region" hx-get="/region" hx-trigger="every 1s, sse:changed" hx-swap="morph:outerHTML">
  <input id="typed" aria-label="typed">
  <input id="ticked" type="checkbox" aria-label="ticked" data-keep-tick><b id="count">%(count)d</b>
  <form id="htmx-form" method="post" action="/htmx-form" hx-post="/htmx-form" hx-swap="none">
    <input type="hidden" name="key" value="key-%(count)d">
    <button id="htmx-submit" type="submit" data-submit-once>Send</button></form>
</section>
"""
TAGGED = """
<section id="tagged" data-tagged hx-get="/tagged" hx-trigger="every 1s" hx-swap="morph:outerHTML">
  <b id="made">%d</b></section>
"""
PAGE = """
{%% extends "base.html" %%}
{%% block scripts %%}{%% include "_chart_scripts.html" %%}
  {%% include "_plot_scripts.html" %%}{%% endblock scripts %%}
{%% block content %%}
  %(region)s %(tagged)s
  <form method="post" action="/plain">{%% csrf_token %%}
    <button id="plain" type="submit" name="verb" value="deploy" data-submit-once>Deploy</button></form>
  <div id="prices" class="chart" data-chart="price" data-url="/prices.json" data-label="AAPL, daily"></div>
  <button id="show" type="button" data-chart-show="#prices" data-time="2012-03-05">Show</button>
  <table><tr id="row" data-chart-row><td id="cell">7</td><td><a id="away" href="#away">AAPL</a></td>
    <td><button type="button" data-chart-show="#prices" data-time="2012-03-02"
                data-until="2012-03-05">Show</button></td></tr></table>
  <div id="chosen" class="chart" data-chart="price" data-url="/prices.json" data-time="2012-03-02"></div>
  <div id="rolling" class="chart" data-chart="line" data-unit="ratio" data-url="/lines.json"></div>
  <div id="exposure" class="chart" data-chart="line" data-unit="percent" data-url="/lines.json"></div>
  <div id="bins" class="plot" data-plot="histogram" data-unit="dollars" data-url="/bins.json"></div>
  <div id="curve" class="chart" data-chart="equity" data-url="/equity.json"></div>
  <div id="beside" class="chart" data-chart="beside" data-url="/beside.json"></div>
  <desk-spark id="spark" values="1,3,2" label="P&L of the last days"></desk-spark>
  <desk-spark id="trade-spark" values="1,3,2" zero joins="0:1,1:4"></desk-spark>
  <div id="minutes" class="chart" data-chart="price" data-url="/minutes.json"></div>
  <div id="empty" class="chart" data-chart="equity" data-url="/empty.json"></div>
  <div id="broken" class="chart" data-chart="equity" data-url="/nowhere.json"></div>
{%% endblock content %%}
"""
# 2012-03-01, 02, 05 and 06, as days since 1970.
DAYS = [15400, 15401, 15404, 15405]
posts: list[str] = []
regions: list[float] = []
# How often the region with a tag was made.
made: list[float] = []


def page(request: HttpRequest) -> HttpResponse:
    template = engines["django"].from_string(PAGE % {"region": REGION % {"count": 0}, "tagged": TAGGED % 0})
    return HttpResponse(template.render({}, request))


def tagged(request: HttpRequest) -> HttpResponse:
    made.append(time.monotonic())
    return HttpResponse(TAGGED % len(made))


def region(request: HttpRequest) -> HttpResponse:
    regions.append(time.monotonic())
    return HttpResponse(REGION % {"count": len(regions)})


@require_POST
def plain(request: HttpRequest) -> HttpResponse:
    posts.append(f"plain {request.POST['verb']}")
    time.sleep(0.5)
    return HttpResponse("sent")


@require_POST
def htmx_form(request: HttpRequest) -> HttpResponse:
    posts.append("htmx_form")
    time.sleep(1.5)
    toast = {"toast": {"level": "warning", "text": "<b>Paused.</b>"}}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(toast)})


def events(request: HttpRequest) -> StreamingHttpResponse:
    def stream() -> Iterator[str]:
        yield "retry: 500\nevent: changed\ndata: 1\n\n"

    return StreamingHttpResponse(stream(), content_type="text/event-stream")


def prices(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "unit": "day",
            "bars": {
                "time": DAYS,
                "open": [100, 101, 102, 103],
                "high": [104, 105, 106, 107],
                "low": [99] * 4,
                "close": [102.5, 103.5, 104.5, 105.5],
                "volume": [1_000_000, 2_000_000, 3_000_000, 4_500_000],
            },
            "lines": [
                {"name": "SMA 2", "pane": 0, "values": [101.25] * 4},
                {"name": "RSI 2", "pane": 1, "values": [None, None, None, 70]},
            ],
            "trades": {
                "id": [7, 8],
                "entry_time": [DAYS[0], DAYS[1]],
                "entry": [100, 101],
                "exit_time": [DAYS[0], DAYS[2]],
                "exit": [102, 104],
                "quantity": [5, 12],
                "stop": [90, 91],
                "target": [None, 121.5],
                "pnl": [10, 36],
                "r": [0.2, 0.3],
            },
            "fills": {
                "time": [DAYS[1], DAYS[2]],
                "side": ["buy", "sell"],
                "quantity": [12, 12],
                "price": [101, 104],
                "trade": [1, 1],
                "text": ["", "Sell signal"],
            },
        }
    )


def equity(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "unit": "day",
            "time": DAYS,
            "equity": [100_000 + 10 * index for index in range(4)],
            "benchmark": [100_000] * 4,
            "drawdown": [-1.5] * 4,
        }
    )


def beside(request: HttpRequest) -> JsonResponse:
    band = {"p5": [-9, -20], "p25": [-4, -10], "p50": [1, 2], "p75": [5, 12], "p95": [9, 22]}
    return JsonResponse({"unit": "day", "time": DAYS[:2], "live": [0, 12.5], "backtest": [0, 15], **band})


def lines(request: HttpRequest) -> JsonResponse:
    first = {"name": "Strategy", "time": DAYS, "values": [None, 1.5, 1.5, 1.5]}
    return JsonResponse(
        {"unit": "day", "lines": [first, {"name": "Buy and hold", "time": DAYS, "values": [0.25] * 4}]}
    )


def bins(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"edges": [-200, -100, 0, 100, 200], "counts": [1, 3, 0, 2]})


def minutes(request: HttpRequest) -> JsonResponse:
    # 2012-07-05 13:30 UTC: 09:30 in New York, in summer time.
    bar = {"time": [1_341_495_000], "open": [10], "high": [11], "low": [9], "close": [10]}
    return JsonResponse({"unit": "second", "bars": bar})


urlpatterns = [
    path("", page, name="home"),
    path("region", region),
    path("tagged", tagged),
    path("plain", plain),
    path("htmx-form", htmx_form),
    path("prices.json", prices),
    path("equity.json", equity),
    path("minutes.json", minutes),
    path("beside.json", beside),
    path("lines.json", lines),
    path("bins.json", bins),
    path("empty.json", lambda request: JsonResponse({"unit": "day", "time": [], "equity": []})),
    path("", include("tradedesk.accounts.urls")),
    path("", include("tradedesk.monitoring.urls")),
    path("", include("tradedesk.notifications.urls")),
    path("accounts/", include("allauth.urls")),
    path("events", events),
    path("", include("livetrading.urls")),
]
