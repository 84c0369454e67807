from django.apps import AppConfig


class TradedeskConfig(AppConfig):
    name = "tradedesk"

    def ready(self) -> None:
        # Every process that Django sets up sends its tasks by this application; the core alone needs no queue.
        from tradedesk import celery  # noqa: F401 - becomes the current one
