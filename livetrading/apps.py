from django.apps import AppConfig


class LiveTradingConfig(AppConfig):
    name = "livetrading"
    verbose_name = "Live trading"

    def ready(self) -> None:
        # The market data does not import this app, so it is told what the replay waits for and what uses bars; and
        # the desk's health what trading adds to it.
        from livetrading import second_factor  # noqa: F401 - receives the signal
        from livetrading.credentials import renew
        from livetrading.services.bars_in_use import bars_in_use
        from livetrading.services.replay_hold import unfinished_work
        from livetrading.summaries.health import OWNED, PARTS, trading_findings
        from livetrading.summaries.metrics import trading_metrics
        from tradedesk.keyring import on_renewal
        from tradedesk.marketdata.replay import wait_for
        from tradedesk.marketdata.usage import register
        from tradedesk.monitoring import findings, metrics

        wait_for(unfinished_work)
        register(bars_in_use)
        on_renewal(renew)
        unknown = "Unknown: the database does not answer."
        metrics.register("trading", trading_metrics)
        findings.register(findings.Probe(PARTS, trading_findings, unknown, OWNED))
