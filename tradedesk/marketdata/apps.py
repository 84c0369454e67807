from django.apps import AppConfig


class MarketDataConfig(AppConfig):
    name = "tradedesk.marketdata"
    label = "marketdata"
    verbose_name = "Market data"
