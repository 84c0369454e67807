from django.urls import path

from tradedesk.marketdata import views

app_name = "marketdata"
urlpatterns = [
    path("dashboard/data", views.series_list, name="list"),
    path("dashboard/data/upload", views.upload, name="upload"),
]
