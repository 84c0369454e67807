"""The URLs of all apps, included by dotted name."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from tradedesk.api import api

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="home")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    # The urls.py of an app has whole addresses, so that a search for an address finds it.
    path("", include("strategies.urls")),
    path("", include("backtests.urls")),
    path("", include("tradedesk.marketdata.urls")),
    path("", include("tradedesk.accounts.urls")),
    path("", include("livetrading.urls")),
]
