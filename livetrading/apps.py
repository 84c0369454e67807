from django.apps import AppConfig


class LiveTradingConfig(AppConfig):
    name = "livetrading"
    verbose_name = "Live trading"
