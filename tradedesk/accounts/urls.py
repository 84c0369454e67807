from django.urls import path

from tradedesk.accounts import audit_views, settings_views, views

app_name = "accounts"
urlpatterns = [
    path("settings", settings_views.overview, name="settings"),
    path("settings/security", settings_views.security, name="security"),
    path("settings/tokens", settings_views.token_list, name="tokens"),
    path("settings/tokens/<int:pk>/revoke", settings_views.token_revoke, name="token_revoke"),
    path("settings/audit", audit_views.audit_list, name="audit"),
    path("settings/audit/<str:file_format>", audit_views.audit_export, name="audit_export"),
    path("dashboard/status", views.status, name="status"),
]
