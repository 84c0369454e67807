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
PAGE = """
{%% extends "base.html" %%}
{%% block scripts %%}{%% include "_chart_scripts.html" %%}{%% endblock scripts %%}
{%% block content %%}
  %(region)s
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
  <div id="bins" class="chart" data-chart="histogram" data-unit="dollars" data-url="/bins.json"></div>
  <div id="curve" class="chart" data-chart="equity" data-url="/equity.json"></div>
  <div id="minutes" class="chart" data-chart="price" data-url="/minutes.json"></div>
  <div id="empty" class="chart" data-chart="equity" data-url="/empty.json"></div>
  <div id="broken" class="chart" data-chart="equity" data-url="/nowhere.json"></div>
{%% endblock content %%}
"""
DAYS = ["2012-03-01", "2012-03-02", "2012-03-05", "2012-03-06"]
posts: list[str] = []
regions: list[float] = []


def page(request: HttpRequest) -> HttpResponse:
    template = engines["django"].from_string(PAGE % {"region": REGION % {"count": 0}})
    return HttpResponse(template.render({}, request))


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
            "bars": [
                {"time": day, "open": 100 + index, "high": 104 + index, "low": 99, "close": 102.5 + index}
                for index, day in enumerate(DAYS)
            ],
            "lines": [
                {"name": "SMA 2", "pane": 0, "data": [{"time": day, "value": 101.25} for day in DAYS]},
                {
                    "name": "RSI 2",
                    "pane": 1,
                    "data": [{"time": DAYS[0], "value": None}, {"time": DAYS[3], "value": 70}],
                },
            ],
            "markers": [{"time": DAYS[2], "side": "buy", "text": "Buy 12"}],
            "levels": [
                {"from": DAYS[0], "to": DAYS[0], "entry": 100, "stop": 90, "target": None},
                {"from": DAYS[1], "to": DAYS[2], "entry": 101, "stop": 91, "target": 121.5},
            ],
        }
    )


def equity(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "equity": [{"time": day, "value": 100_000 + 10 * index} for index, day in enumerate(DAYS)],
            "buy_and_hold": [{"time": day, "value": 100_000} for day in DAYS],
            "drawdown": [{"time": day, "value": -1.5} for day in DAYS],
        }
    )


def lines(request: HttpRequest) -> JsonResponse:
    first = [{"time": DAYS[0]}, *({"time": day, "value": 1.5} for day in DAYS[1:])]
    second = [{"time": day, "value": 0.25} for day in DAYS]
    return JsonResponse({"lines": [{"name": "Strategy", "data": first}, {"name": "Buy and hold", "data": second}]})


def bins(request: HttpRequest) -> JsonResponse:
    edges = [-200, -100, 0, 100, 200]
    return JsonResponse(
        {
            "bins": [
                {"from": low, "to": high, "count": count}
                for low, high, count in zip(edges[:-1], edges[1:], (1, 3, 0, 2), strict=True)
            ]
        }
    )


def minutes(request: HttpRequest) -> JsonResponse:
    # 2012-07-05 13:30 UTC: 09:30 in New York, in summer time.
    bar = {"time": 1_341_495_000, "open": 10, "high": 11, "low": 9, "close": 10}
    return JsonResponse({"bars": [bar]})


urlpatterns = [
    path("", page, name="home"),
    path("region", region),
    path("plain", plain),
    path("htmx-form", htmx_form),
    path("prices.json", prices),
    path("equity.json", equity),
    path("minutes.json", minutes),
    path("lines.json", lines),
    path("bins.json", bins),
    path("empty.json", lambda request: JsonResponse({"equity": []})),
    path("", include("tradedesk.accounts.urls")),
    path("", include("tradedesk.monitoring.urls")),
    path("", include("tradedesk.notifications.urls")),
    path("accounts/", include("allauth.urls")),
    path("events", events),
    path("", include("livetrading.urls")),
]
