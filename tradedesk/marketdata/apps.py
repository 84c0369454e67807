from django.apps import AppConfig


class MarketDataConfig(AppConfig):
    name = "tradedesk.marketdata"
    label = "marketdata"
    verbose_name = "Market data"

    def ready(self) -> None:
        from tradedesk.marketdata import checks, series  # noqa: F401 - the import registers them
        from tradedesk.marketdata.health import market_findings
        from tradedesk.monitoring.findings import Probe, register

        register(Probe(("market",), market_findings, "Unknown: the database does not answer."))
