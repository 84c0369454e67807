"""A page of plots for the tests of their scripts."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import include, path

from livetrading.urls import desk_patterns

PAGE = """
{% extends "base.html" %}
{% block scripts %}
  {% include "_plot_scripts.html" %}
{% endblock scripts %}
{% block content %}
  <form id="axes">
    <select name="statistic" aria-label="Show"><option>best</option><option>median</option></select></form>
  <div id="heat" class="plot" data-plot="heat-map" data-url="/heat.json?symbol=AAPL" data-controls="#axes"
       data-label="Heat map"></div>
  <div id="scores" class="plot" data-plot="histogram" data-url="/scores.json" data-label="All scores"></div>
  <div id="lines" class="plot" data-plot="parallel" data-url="/lines.json" data-label="Lines"></div>
  <div id="many" class="plot" data-plot="parallel" data-url="/many.json" data-label="Many axes"></div>
  {% for plot, name in incomplete %}
    <div id="incomplete-{{ name }}" class="plot" data-plot="{{ plot }}" data-label="Incomplete"
         data-url="/{{ name }}.json?symbol=AAPL&amp;statistic=best&amp;incomplete=1"></div>
  {% endfor %}
  <div id="excursions" class="plot" data-plot="scatter" data-url="/scatter.json" data-label="MAE and MFE"></div>
  <div id="contribution" class="plot" data-plot="bars" data-source="by-symbol" data-unit="signed-dollars"
       data-label="Contribution"></div>
  <script id="by-symbol" type="application/json">
    {"label": "P&L", "name": ["AAPL", "IBM"], "value": [120.5, -20]}</script>
  <div id="empty" class="plot" data-plot="heat-map" data-url="/empty.json" data-label="Empty"></div>
{% endblock content %}
"""
INCOMPLETE = [("heat-map", "heat"), ("histogram", "scores"), ("parallel", "lines")]
HEAT = {
    "score": "Sharpe ratio",
    "of": 5,
    "x": {"name": "fast", "label": "Fast", "ends": [[5, 5], [10, 14]]},
    "y": {"name": "slow", "label": "Slow", "ends": [[20, 20], [30, 30]]},
    "counts": [[1, 2], [0, 2]],
    "format": "ratio",
}


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({"incomplete": INCOMPLETE}, request))


def is_complete(request: HttpRequest) -> bool:
    return "incomplete" not in request.GET


def heat(request: HttpRequest) -> JsonResponse:
    statistic = request.GET["statistic"]
    assert request.GET["symbol"] == "AAPL"
    cells = {"best": [[0.5, 1.25], [None, -0.5]], "median": [[0.5, 0], [None, -1]]}[statistic]
    # The cell without a score was not tested, or with the median tested and not ranked.
    tried = [[1, 2], [3 if statistic == "median" else 0, 2]]
    return JsonResponse(
        HEAT | {"statistic": statistic, "cells": cells, "tried": tried, "complete": is_complete(request)}
    )


def scores(request: HttpRequest) -> JsonResponse:
    found = {"score": "Sharpe ratio", "edges": [-1, 0, 1, 2], "counts": [3, 1000, 1], "winner": 1.25}
    return JsonResponse(found | {"complete": is_complete(request)})


def lines(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "of": 5000,
            "complete": is_complete(request),
            "axes": [
                {"name": "fast", "label": "Fast"},
                {"name": "slow", "label": "Slow"},
                {"name": "score", "label": "Sharpe ratio"},
            ],
            "rows": [[5, 20, -0.5], [5, 30, 0.5], [10, 20, 1.25]],
        }
    )


def many(request: HttpRequest) -> JsonResponse:
    axes = [{"name": f"p{number}", "label": f"P {number}"} for number in range(6)]
    return JsonResponse({"of": 1, "complete": True, "axes": axes, "rows": [[1, 2, 3, 4, 5, 6]]})


def scatter(request: HttpRequest) -> JsonResponse:
    x = {"label": "MAE", "format": "percent", "values": [-0.02, -0.05]}
    y = {"label": "MFE", "format": "percent", "values": [0.1, 0.01]}
    return JsonResponse({"x": x, "y": y, "name": ["AAPL 2010-03-08", "IBM 2010-04-01"], "tone": [1, -1]})


# Nothing changes on this page, so it has no stream of events.
WITHOUT_EVENTS = [pattern for pattern in desk_patterns if pattern.name != "events"]
urlpatterns = [
    path("", page, name="home"),
    path("heat.json", heat),
    path("scores.json", scores),
    path("lines.json", lines),
    path("many.json", many),
    path("scatter.json", scatter),
    path(
        "empty.json",
        lambda request: JsonResponse(
            HEAT | {"statistic": "best", "cells": [[None, None]], "tried": [[0, 0]], "complete": True}
        ),
    ),
    path("", include("tradedesk.accounts.urls")),
    path("", include("tradedesk.monitoring.urls")),
    path("", include("tradedesk.notifications.urls")),
    path("", include((WITHOUT_EVENTS, "livetrading"))),
    path("accounts/", include("allauth.urls")),
]
