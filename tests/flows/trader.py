"""The demo user over plain HTTP, without a browser: logs in, opens pages and posts forms."""

import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from tests.processes.process import TIMEOUT, NoRedirect

EMAIL = "demo@example.com"
PERIOD: dict[str, Any] = {
    "start_date": "2001-01-02",
    "end_date": "2010-12-31",
    "initial_capital": 100_000,
    "slippage_bps": 0,
}


def demo_password(data: Path) -> str:
    """The password that the desk has stored in its data folder."""
    return (data / "demo-password").read_text().strip()


class Response(NamedTuple):
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Trader:
    """Logged in at the desk that listens on `url`. Redirects are returned, not followed."""

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies), NoRedirect)
        self.get("/accounts/login/")
        assert self.post("/accounts/login/", login=EMAIL, password=password).status == 302

    def get(self, path: str, **headers: str) -> Response:
        return self._send(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, **form: str) -> Response:
        body = urllib.parse.urlencode(form).encode()
        return self._send(urllib.request.Request(self.url + path, body, self._token()))

    def send(self, path: str, **values: Any) -> Response:
        """Call the API with a JSON body."""
        headers = {**self._token(), "Content-Type": "application/json"}
        return self._send(urllib.request.Request(self.url + path, json.dumps(values).encode(), headers))

    def items(self, path: str) -> list[dict[str, Any]]:
        """The first page of a list of the API."""
        items: list[dict[str, Any]] = self.get(path).json()["items"]
        return items

    def deploy(self, strategy_id: int) -> Response:
        """Press Deploy to Live on the card of the strategy."""
        press = {"source": f"strategy:{strategy_id}", "deploy_key": uuid.uuid4().hex}
        return self.post("/dashboard/live-trading/deploy", **press)

    def deploy_and_backtest_all(self) -> None:
        for strategy in self.items("/api/v1/strategies"):
            self.backtest(strategy["id"])
            assert self.deploy(strategy["id"]).status == 302

    def search_and_rank(self) -> None:
        """Start a parameter search of one strategy and a ranking of all kinds, on two symbols over ten years."""
        (searched,) = [each for each in self.items("/api/v1/strategies") if each["kind"] == "sma_crossover"]
        universe = {"symbols": ["AAPL", "MSFT"], **PERIOD}
        for job in ({"strategy_id": searched["id"]}, {"all_kinds": True}):
            response = self.send("/api/v1/optimizer/runs", **job, **universe)
            assert response.status == 202, response.body

    def stop_all(self) -> None:
        for live in self.items("/api/v1/live-trading/strategies?status=active"):
            assert self.send(f"/api/v1/live-trading/strategies/{live['id']}/stop").status == 200

    def backtest(self, strategy_id: int) -> int:
        """Queue a backtest over ten years; returns its id."""
        response = self.send("/api/v1/backtests", strategy_id=strategy_id, **PERIOD)
        assert response.status == 202, response.body
        backtest_id: int = response.json()["id"]
        return backtest_id

    def _send(self, request: urllib.request.Request) -> Response:
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return Response(response.status, response.read())
        except urllib.error.HTTPError as error:
            return Response(error.code, error.read())

    def _token(self) -> dict[str, str]:
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), None)
        return {"X-CSRFToken": token or ""}
