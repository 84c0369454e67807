"""All pages by the names of their screenshots, on a desk with deployments, backtests and optimizer runs."""

from functools import partial
from pathlib import Path

from tests.desk.test_runner import Desk
from tests.flows.trader import EMAIL, Trader, demo_password
from tests.settings.test_environment import manage

OPEN_TO_ALL = {
    "login": "/accounts/login/",
    "signup": "/accounts/signup/",
    "password-reset": "/accounts/password/reset/",
    "password-reset-sent": "/accounts/password/reset/done/",
    "password-reset-link": "/accounts/password/reset/key/1-old/",
    "password-reset-done": "/accounts/password/reset/key/done/",
    "inactive": "/accounts/inactive/",
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
    "backtest-trades": "/dashboard/backtests/1?tab=trades",
    "backtest-risk": "/dashboard/backtests/1?tab=risk",
    "backtest-evidence": "/dashboard/backtests/1?tab=evidence",
    "backtest-provenance": "/dashboard/backtests/1?tab=provenance",
    "evidence": "/dashboard/backtests/1/evidence",
    "backtests-compare": "/dashboard/backtests/compare?ids=1,2",
    "backtest-delete": "/dashboard/backtests/1/delete",
    "optimizer": "/dashboard/optimizer",
    "optimizer-search": "/dashboard/optimizer?job=search",
    "optimizer-run": "/dashboard/optimizer/1",
    "optimizer-ranking": "/dashboard/optimizer/2",
    "optimizer-delete": "/dashboard/optimizer/1/delete",
    "live-trading": "/dashboard/live-trading",
    "live-trading-orders": "/dashboard/live-trading?show=orders",
    "live-trading-signals": "/dashboard/live-trading?show=signals",
    "live-trading-log": "/dashboard/live-trading?show=log",
    "live-new": "/dashboard/live-trading/new",
    "live-edit": "/dashboard/live-trading/1/edit",
    "live-new-version": "/dashboard/live-trading/1/new-version",
    "live-stop": "/dashboard/live-trading/1/confirm-stop",
    "live-close": "/dashboard/live-trading/1/close",
    "live-delete": "/dashboard/live-trading/1/delete",
    "close-all": "/dashboard/live-trading/accounts/1/close",
    "decisions": "/dashboard/live-trading/1/decisions",
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
    "trades-positions": "/trades?mode=paper&tab=positions",
    "trades-backtests": "/trades?mode=paper&tab=backtests",
    "trade": "/trades/paper/1",
    "order": "/trades/order",
    "analysis": "/trades/analysis?mode=paper",
    "analysis-live": "/trades/analysis?mode=live",
    "analytics": "/analytics?mode=paper",
    "analytics-live": "/analytics?mode=live",
    "blocked-signals": "/analytics/blocked-signals?mode=paper",
    "risk-rules": "/dashboard/risk-rules",
    "risk-rule": "/dashboard/risk-rules/1",
    "risk-rule-add": "/dashboard/risk-rules/add/blocked_symbols",
    "risk-rule-delete": "/dashboard/risk-rules/1/delete",
    "data": "/dashboard/data",
    "data-upload": "/dashboard/data/upload",
    "data-download": "/dashboard/data/download",
    "data-series": "/dashboard/data/1",
    "notifications": "/dashboard/notifications",
    "settings": "/settings",
    "glossary": "/glossary",
    "settings-brokers": "/settings/brokers",
    "broker-add-alpaca": "/settings/brokers/add/alpaca-paper",
    "broker-add-simulation": "/settings/brokers/add/simulation",
    "broker-keys": "/settings/brokers/2/keys",
    "broker-rename": "/settings/brokers/1/rename",
    "broker-revoke": "/settings/brokers/1/revoke",
    "reset-paper": "/settings/reset-paper",
    "settings-notifications": "/settings/notifications",
    "settings-security": "/settings/security",
    "settings-tokens": "/settings/tokens",
    "settings-audit": "/settings/audit",
    "settings-defaults": "/settings/defaults",
    "replay": "/dashboard/replay",
    "two-factor": "/accounts/2fa/totp/activate/",
    "passkey-add": "/accounts/2fa/webauthn/add/",
    "reauthenticate": "/accounts/reauthenticate/",
    "email": "/accounts/email/",
    "sessions": "/accounts/sessions/",
    "password-change": "/accounts/password/change/",
    "logout": "/accounts/logout/",
    "api-docs": "/api/docs",
}
OF_OPERATORS = {"health": "/dashboard/health"}
# Pages that refuse the request with a reason.
REFUSED = {
    "missing": "/dashboard/backtests/999",
}


# A live account, the second after the simulation. It is not traded on the replay: its pages say so.
CONNECT = f"""
from django.utils import timezone
from livetrading.credentials import Credentials, store_credentials
from livetrading.models import BrokerAccount
from tradedesk.accounts.models import User
account = BrokerAccount.objects.create(
    user=User.objects.get(email="{EMAIL}"), broker="alpaca", mode="live", name="Alpaca account"
)
store_credentials(account, Credentials(key_id="AKNEWCOMER00000LIVE1", secret="of-the-live-account"))
BrokerAccount.objects.filter(pk=account.pk).update(
    number="1234824821", verified_at=timezone.now(), equity="25842.18", buying_power=43787
)
"""


def connect_live_account(folder: Path) -> None:
    assert manage("shell", "-v0", "-c", CONNECT, folder=folder).returncode == 0


def make_history(desk: Desk, round_trips: int) -> None:
    """Backtest, deploy and optimize the demo strategies, play until this many trades are closed, and pause."""
    desk.wait_until_healthy()
    trader = Trader(desk.url, demo_password(desk.folder))
    trader.deploy_and_backtest_all()
    trader.search_and_rank()
    desk.wait_until(partial(has_optimized, desk))
    for number in range(1, round_trips + 1):
        desk.wait_until(partial(has_closed, desk, number))
    assert trader.post("/dashboard/replay/control", action="pause").status == 302


def has_closed(desk: Desk, number: int) -> bool:
    closed = "SELECT id FROM livetrading_papertrade WHERE exit_time IS NOT NULL"
    return len(desk.query(closed)) >= number


def has_optimized(desk: Desk) -> bool:
    return len(desk.query("SELECT id FROM backtests_optimizerrun WHERE status = 'completed'")) == 2
