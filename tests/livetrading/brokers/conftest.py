from tests.livetrading.brokers.alpaca.stand_in import one_server, server

__all__ = ["one_server", "server"]
