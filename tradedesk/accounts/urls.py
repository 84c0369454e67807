from django.urls import path

from tradedesk.accounts import settings_views, views

app_name = "accounts"
urlpatterns = [
    path("settings/security", settings_views.security, name="security"),
    path("settings/tokens", settings_views.token_list, name="tokens"),
    path("settings/tokens/<int:pk>/revoke", settings_views.token_revoke, name="token_revoke"),
    path("dashboard/status", views.status, name="status"),
]
