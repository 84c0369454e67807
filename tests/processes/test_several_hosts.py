"""docker-compose.scale.yml without Docker: three trading workers that share PostgreSQL, Redis and an object store,
each with a data folder of its own, as on machines of their own."""

import contextlib
from pathlib import Path

import pytest

from tests.flows.trader import Trader
from tests.object_server import ACCESS_KEY, object_server
from tests.object_server import SECRET as OBJECT_SECRET
from tests.processes.compose import SECRETS, FullDesk, compose
from tests.processes.process import Process, status_of

pytestmark = pytest.mark.processes
FILE = "docker-compose.scale.yml"
KEYS = {
    "ENCRYPTION_KEY": "only-for-this-test-9876543210-abcdefghijklmnopqrstuvwxyz",
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": OBJECT_SECRET,
}
WORKERS = ("worker", "worker-2", "worker-3")
PASSWORD = "correct horse battery staple"
# Without a proxy, and a market that is quick.
HERE = {"HTTPS": "0", "BEHIND_PROXY": "0", "ALLOWED_HOSTS": "127.0.0.1", "REPLAY_SECONDS_PER_BAR": "1"}


@pytest.mark.parametrize("name", sorted(KEYS))
def test_a_key_that_all_hosts_share_must_be_given(name: str) -> None:
    with pytest.raises(LookupError, match=f"Set {name} in .env"):
        compose({**SECRETS, **KEYS, name: ""}, FILE)


def test_the_workers_share_nothing_but_the_servers() -> None:
    services = compose({**SECRETS, **KEYS}, FILE)["services"]

    assert len({tuple(services[worker]["volumes"]) for worker in WORKERS}) == len(WORKERS)
    for worker in WORKERS:
        environment = services[worker]["environment"]
        assert environment["DATABASE_URL"] == services["web"]["environment"]["DATABASE_URL"]
        assert environment["BARS_URL"].startswith("s3://")
        assert environment["RESEARCH_URL"].startswith("s3://")
        assert services[worker]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_three_workers_check_strategies_over_one_object_store_and_one_may_die(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    with object_server() as objects, contextlib.ExitStack() as stack:
        places = {"BARS_URL": objects.url("desk/bars"), "RESEARCH_URL": objects.url("desk/research")}
        services = compose({**SECRETS, **KEYS, **places}, FILE)["services"]
        desk = FullDesk(tmp_path, database_url, redis_url, services, **HERE)
        desk.run("migrate", ["python", "manage.py", "setup_desk", "--only-static"])
        # The web process refuses to listen on all addresses with a demo user.
        desk.environment |= {"DEMO_USER": "1", "DEMO_PASSWORD": PASSWORD}
        desk.run("migrate")
        desk.environment["DEMO_USER"] = "0"
        assert objects.objects  # the sample bars
        running = {part: stack.enter_context(desk.process(part)) for part in ("web", *WORKERS, "beat")}
        url = f"http://127.0.0.1:{desk.port}"
        running["web"].wait_until(lambda: status_of(f"{url}/api/health") == 200)
        trader = Trader(url, PASSWORD)
        for strategy in trader.items("/api/v1/strategies"):
            assert trader.deploy(strategy["id"]).status == 302

        for worker in WORKERS:
            running[worker].wait_until(lambda worker=worker: ticks(running[worker]) > 0)  # type: ignore[misc]
        running["worker"].kill()
        # The killed one may have written its last signal just before.
        before, others = newest_signal(trader), sum(ticks(running[worker]) for worker in WORKERS[1:])
        running["web"].wait_until(lambda: newest_signal(trader) > before)
        # A worker logs a tick when it ends.
        running["web"].wait_until(lambda: sum(ticks(running[worker]) for worker in WORKERS[1:]) > others)
        assert not (tmp_path / "data-2" / "bars").exists()
        assert all("Traceback" not in part.output() for part in running.values())


def ticks(worker: Process) -> int:
    return worker.output().count("tick_account")


def newest_signal(trader: Trader) -> int:
    """Its id; 0 without one."""
    return max(
        (int(signal["id"]) for signal in trader.items("/api/v1/live-trading/signals/recent?limit=1")), default=0
    )
