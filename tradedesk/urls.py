"""The URLs of all apps, included by dotted name."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from tradedesk import reference_views
from tradedesk.api import api
from tradedesk.old_addresses import old_addresses

handler400 = "tradedesk.views.bad_request"
handler500 = "tradedesk.views.server_error"
# The log-in page with its limits and second factors is the only way in.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth documents it

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="home")),
    # allauth's overview of the second factors: the settings have one.
    path("accounts/2fa/", RedirectView.as_view(pattern_name="accounts:security")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    # The urls.py of an app has whole addresses, so that a search for an address finds it.
    path("", include("strategies.urls")),
    path("", include("backtests.urls")),
    path("", include("tradedesk.monitoring.urls")),
    path("", include("tradedesk.marketdata.urls")),
    path("", include("tradedesk.accounts.urls")),
    path("", include("tradedesk.notifications.urls")),
    path("", include("livetrading.urls")),
    *old_addresses,
    path("glossary", reference_views.glossary_page, name="glossary"),
    path("glossary.json", reference_views.glossary_json, name="glossary_json"),
    path("styleguide", reference_views.styleguide, name="styleguide"),
]
