from django.urls import path

from backtests import charts
from backtests.views import backtests

app_name = "backtests"
urlpatterns = [
    path("dashboard/backtests", backtests.backtest_list, name="list"),
    path("dashboard/backtests/new", backtests.backtest_new, name="new"),
    path("dashboard/backtests/<int:pk>", backtests.backtest_detail, name="detail"),
    path("dashboard/backtests/<int:pk>/progress", backtests.backtest_progress, name="progress"),
    path("dashboard/backtests/<int:pk>/cancel", backtests.backtest_cancel, name="cancel"),
    path("dashboard/backtests/<int:pk>/repeat", backtests.backtest_repeat, name="repeat"),
    path("dashboard/backtests/<int:pk>/price.json", backtests.backtest_price, name="price"),
    *(
        path(f"dashboard/backtests/<int:pk>/{name}.json", backtests.backtest_chart, {"draw": draw}, name=name)
        for name, draw in charts.BY_NAME.items()
    ),
]
