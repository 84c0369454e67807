from django.apps import AppConfig
from django.conf import settings


class StrategiesConfig(AppConfig):
    name = "strategies"

    def ready(self) -> None:
        from strategies import checks as checks  # registers itself
        from strategies.plugins import load_folder

        load_folder(settings.STRATEGY_DIR, settings.DATA_DIR / "checked-kinds.json")
