from django.urls import include, path

from livetrading.views import (
    closing,
    dashboard,
    deploy,
    events,
    halt,
    home,
    risk_rules,
    series_uses,
    signals,
    trades,
)

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
    path("dashboard/risk-rules", risk_rules.risk_rules, name="risk_rules"),
    path("dashboard/risk-rules/account", risk_rules.open_account, name="risk_account"),
    path("dashboard/risk-rules/sectors", risk_rules.sectors, name="sectors"),
    path("dashboard/risk-rules/add/<slug:kind>", risk_rules.add, name="risk_rule_add"),
    path("dashboard/risk-rules/<int:pk>", risk_rules.edit, name="risk_rule"),
    path("dashboard/risk-rules/<int:pk>/on", risk_rules.switch, {"enabled": True}, name="risk_rule_on"),
    path("dashboard/risk-rules/<int:pk>/off", risk_rules.switch, {"enabled": False}, name="risk_rule_off"),
    path("dashboard/risk-rules/<int:pk>/up", risk_rules.move, {"steps": -1}, name="risk_rule_up"),
    path("dashboard/risk-rules/<int:pk>/down", risk_rules.move, {"steps": 1}, name="risk_rule_down"),
    path("dashboard/risk-rules/<int:pk>/delete", risk_rules.delete, name="risk_rule_delete"),
    path("events", events.events, name="events"),
]
urlpatterns = [
    # Without a namespace: the home page of the whole desk.
    path("dashboard", home.home, name="home"),
    path("", include((desk_patterns, "livetrading"))),
]
