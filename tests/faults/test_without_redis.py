"""The pages in a process of their own, whose Redis hangs and then is gone: log-in, its limits, the dashboard and
deploying go on, each within seconds."""

import socket
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import pytest

from tests.desk.test_runner import Desk
from tests.flows.trader import EMAIL, Response, Trader, demo_password
from tests.processes.prepared import copy_prepared_folder

pytestmark = pytest.mark.processes
# Seconds that an answer takes at most: the time-outs of cache and queue are below six together.
SLOWEST = 12
WEB = [sys.executable, "manage.py", "web"]
LOGIN, DEPLOY = "/accounts/login/", "/dashboard/live-trading/deploy"
# Of the deployment over the API, which a second press repeats.
KEY = uuid.uuid4().hex
WRONG = {"login": EMAIL, "password": "wrong"}


class TimedTrader(Trader):
    slowest = 0.0

    def _send(self, request: urllib.request.Request) -> Response:
        request.add_header("Idempotency-Key", KEY)
        begun = time.monotonic()
        try:
            return super()._send(request)
        finally:
            self.slowest = max(self.slowest, time.monotonic() - begun)


def test_pages_log_in_its_limits_and_deploying_go_on(tmp_path: Path) -> None:
    folder = copy_prepared_folder(tmp_path / "data")
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        given = {"REDIS_URL": f"redis://127.0.0.1:{silent.getsockname()[1]}/0", "DEBUG": "1"}
        with Desk(folder, WEB, given) as web:
            web.wait_until_ready()
            password = demo_password(folder)
            trader = TimedTrader(web.url, password)
            assert trader.get("/dashboard").status == 200
            silent.close()

            assert trader.get("/dashboard").status == 200
            first, second = (strategy["id"] for strategy in trader.items("/api/v1/strategies")[:2])
            press = {"source": f"strategy:{first}", "deploy_key": uuid.uuid4().hex}
            assert [trader.post(DEPLOY, **press).status for _ in range(2)] == [302, 302]
            body = {"strategy_id": second, "symbols": ["AAPL"]}
            answers = [trader.send("/api/v1/live-trading/quick-deploy", **body).status for _ in range(2)]
            assert answers == [201, 201]
            deployed = web.query("SELECT strategy_id FROM livetrading_livestrategy ORDER BY id")
            assert deployed == [(first,), (second,)]

            # The limits count in the database: after five failures the right password is not looked at either.
            stranger = TimedTrader(web.url, password)
            stranger.cookies.clear()
            stranger.get(LOGIN)
            assert [stranger.post(LOGIN, **WRONG).status for _ in range(5)] == [200] * 5
            with pytest.raises(AssertionError):
                Trader(web.url, password)
            assert max(trader.slowest, stranger.slowest) < SLOWEST
            print(f"The slowest answer took {max(trader.slowest, stranger.slowest):.1f} s")
