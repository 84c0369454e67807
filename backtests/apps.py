from django.apps import AppConfig


class BacktestsConfig(AppConfig):
    name = "backtests"

    def ready(self) -> None:
        from backtests.services.signs_of_life import last_progress
        from tradedesk.monitoring.heartbeats import count_as_alive
        from tradedesk.monitoring.models import Component

        count_as_alive(Component.RESEARCH, last_progress)
