from django.apps import AppConfig


class LiveTradingConfig(AppConfig):
    name = "livetrading"
    verbose_name = "Live trading"

    def ready(self) -> None:
        # The market data does not import this app, so it is told what the replay waits for and what uses bars.
        from livetrading.services.bars_in_use import bars_in_use
        from livetrading.services.replay_hold import unfinished_work
        from tradedesk.marketdata.replay import wait_for
        from tradedesk.marketdata.usage import register

        wait_for(unfinished_work)
        register(bars_in_use)
