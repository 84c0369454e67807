from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "tradedesk.monitoring"
    label = "monitoring"

    def ready(self) -> None:
        from tradedesk.monitoring import log_context  # noqa: F401 - the import connects its receivers
        from tradedesk.monitoring.desk_parts import register_desk_parts
        from tradedesk.monitoring.metrics import register_desk_metrics

        register_desk_parts()
        register_desk_metrics()
