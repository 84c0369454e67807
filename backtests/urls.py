from django.urls import path

from backtests import views

app_name = "backtests"
urlpatterns = [
    path("dashboard/backtests", views.backtest_list, name="list"),
    path("dashboard/backtests/new", views.backtest_new, name="new"),
    path("dashboard/backtests/<int:pk>", views.backtest_detail, name="detail"),
    path("dashboard/backtests/<int:pk>/progress", views.backtest_progress, name="progress"),
    path("dashboard/backtests/<int:pk>/cancel", views.backtest_cancel, name="cancel"),
    path("dashboard/backtests/<int:pk>/equity.json", views.backtest_equity, name="equity"),
    path("dashboard/backtests/<int:pk>/price.json", views.backtest_price, name="price"),
]
