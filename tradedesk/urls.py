"""The roof: every app's pages under their addresses, joined by dotted name."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from tradedesk.api import api

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="home")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("dashboard/strategies", include("strategies.urls")),
    path("dashboard/backtests", include("backtests.urls")),
    path("dashboard/data", include("tradedesk.marketdata.urls")),
    path("dashboard/notifications", include("tradedesk.accounts.urls")),
    path("", include("livetrading.urls")),
]
