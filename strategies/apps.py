from django.apps import AppConfig
from django.conf import settings


class StrategiesConfig(AppConfig):
    name = "strategies"

    def ready(self) -> None:
        from strategies import system_checks as system_checks  # the import registers them
        from strategies.plugins import load_plugins

        load_plugins(settings.STRATEGY_DIR, settings.DATA_DIR / "checked-plugins.json")
