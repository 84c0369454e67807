from django.urls import path

from tradedesk.marketdata import series_views, upload_views, views

app_name = "marketdata"
urlpatterns = [
    path("dashboard/data", views.series_list, name="list"),
    path("dashboard/data/upload", upload_views.upload, name="upload"),
    path("dashboard/data/upload/<uuid:upload_id>", upload_views.preview, name="preview"),
    path("dashboard/data/<int:pk>", series_views.series_detail, name="series"),
    path("dashboard/data/<int:pk>/chart.json", series_views.series_chart_json, name="chart"),
    path("dashboard/data/<int:pk>/gaps", series_views.series_gaps, name="gaps"),
    path("dashboard/data/<int:pk>/bars.csv", series_views.series_download, {"file_format": "csv"}, name="csv"),
    path(
        "dashboard/data/<int:pk>/bars.parquet",
        series_views.series_download,
        {"file_format": "parquet"},
        name="parquet",
    ),
    path("dashboard/data/<int:pk>/delete", series_views.series_delete, name="delete"),
    path("dashboard/data/versions/<int:pk>/restore", series_views.version_restore, name="restore"),
]
