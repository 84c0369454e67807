"""The fork server of the fault tests: the workers of tests.flows.worker_fork_server, with their brokers, a
market time that the test sets, and shorter looks for an order that a broker does not find."""

from datetime import timedelta

from tests.faults.market_time import use_market_time
from tests.flows.worker_fork_server import main


def prepare() -> None:
    import alpaca.trading.client  # noqa: F401 - before the fork, because it takes long

    import tests.hostile_broker.adapter  # noqa: F401 - the same
    from livetrading.brokers.alpaca import client
    from livetrading.pipeline import absence, backoff, fence, tick
    from livetrading.services import broker_turns

    use_market_time()
    fence.BROKER_CALL, fence.FENCE = timedelta(seconds=0.6), timedelta(seconds=1.6)
    client.CONNECT, client.CALL, client.LEAST = 0.2, 0.55, 0.05
    fence.LOST_WORKER = fence.LEASE = timedelta(seconds=2)
    absence.OVER = timedelta(seconds=1.5)
    tick.LONGEST_PAUSE = timedelta(seconds=0.5)
    backoff.SHORTEST = timedelta(seconds=0.2)
    broker_turns.MOST = 2  # of four threads


if __name__ == "__main__":
    main(prepare)
