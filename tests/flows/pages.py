"""All pages by the names of their screenshots, on a desk with deployments, backtests and optimizer runs."""

from functools import partial

from tests.desk.test_runner import Desk
from tests.flows.trader import Trader, demo_password

OPEN_TO_ALL = {
    "login": "/accounts/login/",
    "signup": "/accounts/signup/",
    "password-reset": "/accounts/password/reset/",
}
PAGES = {
    "home": "/dashboard",
    "strategies": "/dashboard/strategies",
    "strategy": "/dashboard/strategies/1",
    "strategy-new": "/dashboard/strategies/new",
    "strategy-edit": "/dashboard/strategies/1/edit",
    "strategy-delete": "/dashboard/strategies/1/delete",
    "backtests": "/dashboard/backtests",
    "backtest-new": "/dashboard/backtests/new",
    "backtest": "/dashboard/backtests/1",
    "evidence": "/dashboard/backtests/1/evidence",
    "backtests-compare": "/dashboard/backtests/compare?ids=1,2",
    "backtest-delete": "/dashboard/backtests/1/delete",
    "optimizer": "/dashboard/optimizer",
    "optimizer-search": "/dashboard/optimizer?job=search",
    "optimizer-run": "/dashboard/optimizer/1",
    "optimizer-ranking": "/dashboard/optimizer/2",
    "optimizer-delete": "/dashboard/optimizer/1/delete",
    "live-trading": "/dashboard/live-trading",
    "live-strategy": "/dashboard/live-trading/1",
    "live-strategy-orders": "/dashboard/live-trading/1?show=orders",
    "live-strategy-trades": "/dashboard/live-trading/1?show=trades",
    "stop-trading": "/dashboard/stop-trading",
    "live-strategy-log": "/dashboard/live-trading/1?show=log",
    "promote": "/dashboard/live-trading/1/promote",
    "go-live": "/dashboard/mode/live",
    "signals": "/signals?unheld=on",
    "trades": "/trades?mode=paper",
    "trades-live": "/trades?mode=live",
    "risk-rules": "/dashboard/risk-rules",
    "risk-rule": "/dashboard/risk-rules/1",
    "risk-rule-add": "/dashboard/risk-rules/add/blocked_symbols",
    "risk-rule-delete": "/dashboard/risk-rules/1/delete",
    "data": "/dashboard/data",
    "data-upload": "/dashboard/data/upload",
    "data-download": "/dashboard/data/download",
    "data-series": "/dashboard/data/1",
    "notifications": "/dashboard/notifications",
    "settings-brokers": "/settings/brokers",
    "broker-add-alpaca": "/settings/brokers/add/alpaca-paper",
    "broker-add-simulation": "/settings/brokers/add/simulation",
    "broker-rename": "/settings/brokers/1/rename",
    "broker-revoke": "/settings/brokers/1/revoke",
    "settings-notifications": "/settings/notifications",
    "settings-security": "/settings/security",
    "settings-tokens": "/settings/tokens",
    "settings-audit": "/settings/audit",
    "two-factor": "/accounts/2fa/",
    "sessions": "/accounts/sessions/",
    "password-change": "/accounts/password/change/",
    "logout": "/accounts/logout/",
    "api-docs": "/api/docs",
}
# Pages that refuse the request with a reason.
REFUSED = {
    "missing": "/dashboard/backtests/999",
}


def make_history(desk: Desk, round_trips: int) -> None:
    """Backtest, deploy and optimize the demo strategies, and wait until they have closed this many trades."""
    desk.wait_until_healthy()
    trader = Trader(desk.url, demo_password(desk.folder))
    trader.deploy_and_backtest_all()
    trader.search_and_rank()
    desk.wait_until(partial(has_optimized, desk))
    for number in range(1, round_trips + 1):
        desk.wait_until(partial(has_closed, desk, number))


def has_closed(desk: Desk, number: int) -> bool:
    closed = "SELECT id FROM livetrading_papertrade WHERE exit_time IS NOT NULL"
    return len(desk.query(closed)) >= number


def has_optimized(desk: Desk) -> bool:
    return len(desk.query("SELECT id FROM backtests_optimizerrun WHERE status = 'completed'")) == 2
