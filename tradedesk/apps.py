from django.apps import AppConfig


class TradedeskConfig(AppConfig):
    name = "tradedesk"

    def ready(self) -> None:
        # Every process that sets up Django sends its tasks through this application; the core alone needs no
        # queue.
        from tradedesk import celery  # noqa: F401 - the import makes it the current application
