from django.urls import include, path

from livetrading.views import closing, dashboard, deploy, events, halt, home, series_uses, signals, trades

desk_patterns = [
    path("dashboard/live-trading", dashboard.dashboard, name="dashboard"),
    path("dashboard/live-trading/deploy", deploy.deploy, name="deploy"),
    path("dashboard/live-trading/<int:pk>", dashboard.detail, name="detail"),
    path("dashboard/live-trading/<int:pk>/start", deploy.control, {"action": "start"}, name="start"),
    path("dashboard/live-trading/<int:pk>/pause", deploy.control, {"action": "pause"}, name="pause"),
    path("dashboard/live-trading/<int:pk>/stop", deploy.control, {"action": "stop"}, name="stop"),
    path("signals", signals.signal_list, name="signals"),
    path("signals.csv", signals.signals_csv, name="signals_csv"),
    path("dashboard/live-trading/<int:pk>/close", closing.strategy, name="close_strategy"),
    path(
        "dashboard/live-trading/accounts/<int:account_id>/positions/<str:symbol>/close",
        closing.position,
        name="close_position",
    ),
    path(
        "dashboard/live-trading/accounts/<int:account_id>/lots/<uuid:entry_id>/close",
        closing.lot,
        name="close_lot",
    ),
    path("dashboard/live-trading/orders/<uuid:pk>/cancel", closing.cancel, name="cancel_order"),
    path("dashboard/stop-trading", halt.stop_trading, name="stop_trading"),
    path("dashboard/stop-trading/halt", halt.halt, name="halt"),
    path("dashboard/stop-trading/resume", halt.resume, name="resume"),
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
