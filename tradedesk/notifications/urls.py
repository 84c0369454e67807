from django.urls import path

from tradedesk.notifications.views import inbox, preferences

app_name = "notifications"
urlpatterns = [
    path("dashboard/notifications", inbox.inbox, name="inbox"),
    path("dashboard/notifications/read", inbox.mark_read, name="mark_read"),
    path("dashboard/notifications/shown", inbox.mark_shown, name="mark_shown"),
    path("settings/notifications", preferences.preferences, name="preferences"),
    path("settings/notifications/channels", preferences.channel_list, name="channels"),
    path("settings/notifications/channels/add", preferences.channel_add, name="channel_add"),
    path("settings/notifications/channels/<uuid:pk>/test", preferences.channel_test, name="channel_test"),
    path("settings/notifications/channels/<uuid:pk>/delete", preferences.channel_delete, name="channel_delete"),
]
