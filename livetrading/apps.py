from django.apps import AppConfig


class LiveTradingConfig(AppConfig):
    name = "livetrading"
    verbose_name = "Live trading"

    def ready(self) -> None:
        # The market data does not import this app, so the replay is told what to wait for.
        from livetrading.services.replay_hold import unfinished_work
        from tradedesk.marketdata.replay import wait_for

        wait_for(unfinished_work)
