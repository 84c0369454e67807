from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "tradedesk.notifications"
    label = "notifications"

    def ready(self) -> None:
        from tradedesk.keyring import on_renewal
        from tradedesk.monitoring.findings import Probe, register
        from tradedesk.notifications.health import outbox_findings
        from tradedesk.notifications.secrets import renew

        on_renewal(renew)
        register(Probe(("outbox",), outbox_findings, "Unknown: the database does not answer."))
