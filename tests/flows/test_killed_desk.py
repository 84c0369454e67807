"""kill -9 of the one-process desk while an order is in flight: no order is lost and none is sent twice."""

from pathlib import Path
from typing import Any

import pytest

from tests.desk.test_runner import Desk
from tests.flows.trader import Trader, demo_password
from tests.processes.prepared import copy_prepared_folder

pytestmark = pytest.mark.processes
KILLS = 2
SYMBOLS = ["AAPL", "GOOG", "IBM", "MSFT"]
# Fast parameters, so that nearly every session has an order.
STRATEGIES: dict[str, dict[str, Any]] = {
    "sma_crossover": {"fast": 2, "slow": 4},
    "donchian_breakout": {"entry": 4, "exit": 2},
    "rsi_mean_reversion": {"period": 2, "oversold": 40, "overbought": 60},
    "macd": {"fast": 2, "slow": 5, "signal": 2},
}
SESSION = "SELECT session FROM marketdata_replaymarket"
IN_FLIGHT = "SELECT id FROM livetrading_order WHERE state IN ('pending', 'submitting', 'unknown')"
SENT = """SELECT id FROM livetrading_order
    WHERE client_order_id IN (SELECT client_order_id FROM livetrading_paperorder)"""
ROUND_TRIPS = "SELECT count(*) FROM livetrading_papertrade WHERE exit_time IS NOT NULL"
# Each query finds rows that violate an invariant.
VIOLATIONS = {
    "a signal without exactly one order": """
        SELECT signal.id, count(orders.id) FROM livetrading_signalhistory AS signal
        LEFT JOIN livetrading_order AS orders ON orders.signal_id = signal.id
        WHERE signal.outcome = 'ordered' GROUP BY signal.id HAVING count(orders.id) <> 1""",
    "an order of a signal that must not be executed": """
        SELECT orders.id FROM livetrading_order AS orders
        JOIN livetrading_signalhistory AS signal ON signal.id = orders.signal_id
        WHERE signal.outcome <> 'ordered'""",
    "a duplicate signal": """
        SELECT live_strategy_id, symbol, bar_time, count(*) FROM livetrading_signalhistory
        GROUP BY live_strategy_id, symbol, bar_time HAVING count(*) > 1""",
    "an order that the broker never received": """
        SELECT orders.client_order_id FROM livetrading_order AS orders
        LEFT JOIN livetrading_order AS opening ON opening.id = orders.opening_order_id
        WHERE orders.state <> 'blocked' AND NOT (orders.state = 'cancelled' AND orders.attempts = 0)
        AND NOT (orders.purpose IN ('stop_loss', 'take_profit') AND opening.filled_quantity = 0)
        AND orders.client_order_id NOT IN (SELECT client_order_id FROM livetrading_paperorder)""",
    "an order that the desk does not know": """
        SELECT client_order_id FROM livetrading_paperorder
        WHERE client_order_id NOT IN (SELECT client_order_id FROM livetrading_order)""",
    "a difference between the desk's and the broker's records": """
        SELECT kind, text FROM livetrading_incident WHERE reported_at IS NOT NULL""",
    "a fill that the desk or the broker lacks or has twice": """
        SELECT * FROM (
          SELECT orders.client_order_id, fill.time AS time, fill.quantity, fill.price, 1 AS side
          FROM livetrading_fill AS fill JOIN livetrading_order AS orders ON orders.id = fill.order_id
          UNION ALL
          SELECT orders.client_order_id, fill.bar_time, fill.quantity, fill.price, -1
          FROM livetrading_paperfill AS fill JOIN livetrading_paperorder AS orders ON orders.id = fill.order_id
        ) GROUP BY client_order_id, time, quantity, price HAVING sum(side) <> 0 OR count(*) <> 2""",
    "a position that is not the sum of its open lots": """
        SELECT account_id, symbol, sum(quantity) FROM (
          SELECT account_id, symbol, quantity FROM livetrading_paperposition
          UNION ALL
          SELECT account_id, symbol, exit_quantity - quantity FROM livetrading_papertrade WHERE exit_time IS NULL
        ) GROUP BY account_id, symbol HAVING abs(sum(quantity)) > 1e-6""",
    "cash that differs from the sum of the fills": """
        SELECT account.id, account.cash FROM livetrading_paperaccount AS account
        LEFT JOIN livetrading_paperfill AS fill ON fill.account_id = account.id GROUP BY account.id
        HAVING abs(account.cash - account.starting_cash - coalesce(sum(fill.cash_change), 0)) > 1e-6""",
}


def test_a_desk_that_was_killed_while_an_order_was_in_flight_continues(tmp_path: Path) -> None:
    folder = copy_prepared_folder(tmp_path / "data")
    interrupted: set[object] = set()
    with start(folder) as desk:
        desk.wait_until_healthy()
        deploy(desk)
        deployed = desk.query("SELECT id, name, fingerprint FROM livetrading_livestrategy")
        interrupted |= kill_while_an_order_is_in_flight(desk, interrupted)
    for _ in range(KILLS - 1):
        session = desk.query(SESSION)
        with start(folder) as desk:
            desk.wait_until_healthy()
            assert desk.query(SESSION) >= session
            wait_for_more_trades(desk)
            interrupted |= kill_while_an_order_is_in_flight(desk, interrupted)
    with start(folder) as desk:
        desk.wait_until_healthy()
        wait_for_more_trades(desk)
        desk.wait_until(lambda: not ids(desk, IN_FLIGHT) & interrupted)
        Trader(desk.url, demo_password(folder)).stop_all()
        desk.wait_until(lambda: not ids(desk, IN_FLIGHT))
        assert desk.query("SELECT id, name, fingerprint FROM livetrading_livestrategy") == deployed
        assert desk.stop() == 0

    assert len(interrupted) >= KILLS
    assert {name: rows for name, query in VIOLATIONS.items() if (rows := desk.query(query))} == {}
    assert interrupted <= ids(desk, SENT)


def start(folder: Path) -> Desk:
    return Desk(folder, environment={"REPLAY_SECONDS_PER_BAR": "0.5"})


def deploy(desk: Desk) -> None:
    trader = Trader(desk.url, demo_password(desk.folder))
    for kind, parameters in STRATEGIES.items():
        strategy = {"name": kind, "kind": kind, "parameters": parameters, "symbols": SYMBOLS}
        response = trader.send("/api/v1/strategies", **strategy)
        assert response.status == 201, response.body
        assert trader.deploy(response.json()["id"]).status == 302


def kill_while_an_order_is_in_flight(desk: Desk, interrupted_before: set[object]) -> set[object]:
    """Returns the ids of the orders that were in flight."""
    desk.wait_until(lambda: not ids(desk, IN_FLIGHT) <= interrupted_before)
    desk.kill()
    return ids(desk, IN_FLIGHT)


def ids(desk: Desk, query: str) -> set[object]:
    return {row_id for (row_id,) in desk.query(query)}


def wait_for_more_trades(desk: Desk) -> None:
    before = desk.query(ROUND_TRIPS)
    desk.wait_until(lambda: desk.query(ROUND_TRIPS) > before)
