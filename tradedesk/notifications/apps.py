from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "tradedesk.notifications"
    label = "notifications"

    def ready(self) -> None:
        from tradedesk.keyring import on_renewal
        from tradedesk.notifications.secrets import renew

        on_renewal(renew)
