from django.urls import path

from tradedesk.notifications import views

app_name = "notifications"
urlpatterns = [
    path("dashboard/notifications", views.inbox, name="inbox"),
    path("dashboard/notifications/read", views.mark_read, name="mark_read"),
]
