from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "tradedesk.notifications"
    label = "notifications"
