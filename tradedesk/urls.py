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
    # An app's urls.py holds whole addresses, so that one can be found by searching for it.
    path("", include("strategies.urls")),
    path("", include("backtests.urls")),
    path("", include("tradedesk.marketdata.urls")),
    path("", include("tradedesk.accounts.urls")),
    path("", include("livetrading.urls")),
]
