from django.urls import path

from tradedesk.marketdata import download_views, series_views, upload_views, views

app_name = "marketdata"
urlpatterns = [
    path("dashboard/data", views.series_list, name="list"),
    path("dashboard/data/upload", upload_views.upload, name="upload"),
    path("dashboard/data/upload/<uuid:upload_id>", upload_views.preview, name="preview"),
    path("dashboard/data/shares", download_views.shares, name="shares"),
    path("dashboard/data/download", download_views.download, name="download"),
    path("dashboard/data/downloads", download_views.downloads, name="downloads"),
    path("dashboard/data/downloads/<int:pk>/cancel", download_views.download_cancel, name="download_cancel"),
    path("dashboard/data/<int:pk>/keep", download_views.series_keep, name="keep"),
    path("dashboard/data/<int:pk>/latest", download_views.series_latest, name="latest"),
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
