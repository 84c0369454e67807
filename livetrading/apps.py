from django.apps import AppConfig


class LiveTradingConfig(AppConfig):
    name = "livetrading"
    verbose_name = "Live trading"

    def ready(self) -> None:
        # The market data does not import this app, so it is told what the replay waits for and follows, what uses
        # bars, what waits for them, whose keys get them and on which days a broker trades otherwise; and the
        # desk's health what trading adds to it.
        from livetrading import second_factor  # noqa: F401 - receives the signal
        from livetrading.credentials import renew
        from livetrading.services.arrivals import wake
        from livetrading.services.bars_in_use import bars_in_use, series_in_use
        from livetrading.services.broker_time import stored_days
        from livetrading.services.data_keys import keys_of_user
        from livetrading.services.queue import enqueue_dispatch
        from livetrading.services.replay_hold import follows_sessions, unfinished_work
        from livetrading.summaries import broker_health
        from livetrading.summaries.health import OWNED, PARTS, trading_findings
        from livetrading.summaries.metrics import trading_metrics
        from tradedesk.keyring import on_renewal
        from tradedesk.marketdata import broker_days, data_keys
        from tradedesk.marketdata.arrivals import on_arrival
        from tradedesk.marketdata.replay import follow, on_move, wait_for
        from tradedesk.marketdata.usage import register, register_list
        from tradedesk.monitoring import findings, metrics

        wait_for(unfinished_work)
        follow(follows_sessions)
        on_move(enqueue_dispatch)
        register(bars_in_use)
        register_list(series_in_use)
        on_arrival(wake)
        data_keys.register(keys_of_user)
        broker_days.register(stored_days)
        on_renewal(renew)
        unknown = "Unknown: the database does not answer."
        metrics.register("trading", trading_metrics)
        findings.register(findings.Probe(PARTS, trading_findings, unknown, OWNED))
        findings.register(findings.Probe(broker_health.PARTS, broker_health.broker_findings, unknown))
