from django.urls import path

from backtests import charts
from backtests.views import backtests, compare, defaults, evidence, lists, optimizer, optimizer_run, trades

app_name = "backtests"
urlpatterns = [
    path("dashboard/backtests", lists.backtest_list, name="list"),
    path("dashboard/backtests/compare", compare.backtest_compare, name="compare"),
    path("dashboard/backtests/compare.json", compare.backtest_compare_chart, name="compare_chart"),
    path("settings/defaults", defaults.backtest_defaults, name="defaults"),
    path("dashboard/backtests/delete", lists.backtest_delete_several, name="delete_several"),
    path("dashboard/backtests/new", backtests.backtest_new, name="new"),
    path("dashboard/backtests/<int:pk>", backtests.backtest_detail, name="detail"),
    path("dashboard/backtests/<int:pk>/progress", backtests.backtest_progress, name="progress"),
    path("dashboard/backtests/<int:pk>/cancel", backtests.backtest_cancel, name="cancel"),
    path("dashboard/backtests/<int:pk>/repeat", backtests.backtest_repeat, name="repeat"),
    path("dashboard/backtests/<int:pk>/delete", lists.backtest_delete, name="delete"),
    path("dashboard/backtests/<int:pk>/trades.csv", trades.trades_csv, name="trades_csv"),
    path("dashboard/backtests/<int:pk>/price.json", backtests.backtest_price, name="price"),
    *(
        path(f"dashboard/backtests/<int:pk>/{name}.json", backtests.backtest_chart, {"draw": draw}, name=name)
        for name, draw in charts.CHARTS_BY_NAME.items()
    ),
    path("dashboard/backtests/<int:pk>/evidence", evidence.backtest_evidence, name="backtest_evidence"),
    path(
        "dashboard/backtests/<int:pk>/evidence/retry",
        evidence.backtest_evidence_retry,
        name="backtest_evidence_retry",
    ),
    path(
        "dashboard/optimizer/candidates/<int:pk>/evidence",
        evidence.candidate_evidence,
        name="candidate_evidence",
    ),
    path(
        "dashboard/optimizer/candidates/<int:pk>/evidence/retry",
        evidence.candidate_evidence_retry,
        name="candidate_evidence_retry",
    ),
    path("dashboard/optimizer", optimizer.optimizer, name="optimizer"),
    path("dashboard/optimizer/availability", optimizer.optimizer_availability, name="optimizer_availability"),
    path("dashboard/optimizer/grid", optimizer.optimizer_grid, name="optimizer_grid"),
    path("dashboard/optimizer/preview", optimizer.optimizer_preview, name="optimizer_preview"),
    path("dashboard/optimizer/<int:pk>", optimizer_run.run_detail, name="optimizer_run"),
    path("dashboard/optimizer/<int:pk>/progress", optimizer_run.run_progress, name="optimizer_progress"),
    *(
        path(
            f"dashboard/optimizer/<int:pk>/{action}",
            optimizer_run.run_control,
            {"action": action},
            name=f"optimizer_{action}",
        )
        for action in ("pause", "resume", "cancel")
    ),
    path("dashboard/optimizer/<int:pk>/delete", optimizer_run.run_delete, name="optimizer_delete"),
    path("dashboard/optimizer/<int:pk>/heat-map.json", optimizer_run.heat_map_json, name="optimizer_heat_map"),
    path(
        "dashboard/optimizer/<int:pk>/parallel.json",
        optimizer_run.parallel_coordinates_json,
        name="optimizer_parallel",
    ),
    path(
        "dashboard/optimizer/<int:pk>/histogram.json",
        optimizer_run.score_histogram_json,
        name="optimizer_histogram",
    ),
    path(
        "dashboard/optimizer/candidates/<int:pk>/backtest",
        optimizer_run.candidate_backtest,
        name="candidate_backtest",
    ),
    path("dashboard/optimizer/candidates/<int:pk>/save", optimizer_run.candidate_save, name="candidate_save"),
]
