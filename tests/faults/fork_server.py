"""The fork server of the fault tests: the workers of tests.flows.worker_fork_server, with the hostile broker, a
market time that the test sets, and shorter looks for an order that a broker does not find."""

from datetime import timedelta

from tests.faults.market_time import use_market_time
from tests.flows.worker_fork_server import main


def prepare() -> None:
    import tests.hostile_broker.adapter  # noqa: F401 - before the fork, because it takes long
    from livetrading.pipeline import absence, backoff
    from livetrading.services import broker_turns

    use_market_time()
    absence.OVER = timedelta(seconds=1)
    backoff.SHORTEST = timedelta(seconds=0.2)
    broker_turns.SLOW = 0.5


if __name__ == "__main__":
    main(prepare)
