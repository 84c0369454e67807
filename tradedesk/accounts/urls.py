from django.urls import path

from tradedesk.accounts import views

app_name = "accounts"
urlpatterns = [
    path("dashboard/notifications", views.notifications, name="notifications"),
    path("dashboard/notifications/read", views.notifications_read, name="notifications_read"),
    path("dashboard/status", views.status, name="status"),
]
