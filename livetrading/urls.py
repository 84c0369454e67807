from django.urls import include, path

from livetrading.views import dashboard, deploy, events, home, series_uses, signals, trades

desk_patterns = [
    path("dashboard/live-trading", dashboard.dashboard, name="dashboard"),
    path("dashboard/live-trading/deploy", deploy.deploy, name="deploy"),
    path("dashboard/live-trading/<int:pk>", dashboard.detail, name="detail"),
    path("dashboard/live-trading/<int:pk>/start", deploy.control, {"action": "start"}, name="start"),
    path("dashboard/live-trading/<int:pk>/pause", deploy.control, {"action": "pause"}, name="pause"),
    path("dashboard/live-trading/<int:pk>/stop", deploy.control, {"action": "stop"}, name="stop"),
    path("signals", signals.signal_list, name="signals"),
    path("signals.csv", signals.signals_csv, name="signals_csv"),
    path("trades", trades.trade_list, name="trades"),
    path("trades.csv", trades.trades_csv, name="trades_csv"),
    path("dashboard/data/uses/<str:symbol>/<str:timeframe>", series_uses.uses, name="series_uses"),
    path("events", events.events, name="events"),
]
urlpatterns = [
    # Without a namespace: the home page of the whole desk.
    path("dashboard", home.home, name="home"),
    path("", include((desk_patterns, "livetrading"))),
]
