"""Every action of the audit is written by something: one of the causes here, or a test elsewhere that reads it."""

import ast
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from pytest_django import Settings

from livetrading.models import Halt, LiveStrategy, OrderState
from livetrading.models.order import TRANSITIONS
from livetrading.services import broker_accounts, halt, restored
from livetrading.services.accounts import active_account
from livetrading.services.order_audit import move_and_record
from livetrading.services.sectors import save_sectors
from tests.livetrading import keyed_broker
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    account_of,
    at_day,
    make_live_strategy,
    make_order,
)
from tests.livetrading.made_bars import CLOSES
from tests.livetrading.pipeline.desk import replay
from tests.livetrading.pipeline.test_loss_limits import holding_aapl
from tests.marketdata.examples import daily_bars
from tradedesk.accounts import tokens
from tradedesk.accounts.deactivation import deactivate
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.actions import LABELS
from tradedesk.audit.models import AuditRecord
from tradedesk.marketdata import data_keys, download_requests, downloading, keeping
from tradedesk.marketdata.delivering import deliver, replace_history
from tradedesk.marketdata.models import Download
from tradedesk.marketdata.series import SeriesKey
from tradedesk.notifications.managing import add_webhook, delete_channel
from tradedesk.notifications.preferences import save_choices

KEY = SeriesKey("alpaca", "AAPL", "1Day")
Cause = Callable[[User], object]


def _halt(action: str) -> Cause:
    return lambda user: halt.request(account_of(user), action, by=user, now=NOW, wall_now=WALL)


def _order(to: OrderState) -> Cause:
    def cause(user: User) -> None:
        source = next(state for state, following in TRANSITIONS.items() if to in following)
        assert move_and_record(make_order(user=user, state=source), to, wall_now=WALL)

    return cause


def _revoked(user: User) -> None:
    """With the simulation, which becomes active, and a strategy, which is paused."""
    account_of(user)
    account = broker_accounts.add_account(user, "paper", "paper", "Second", None, activate=True, wall_now=WALL)
    make_live_strategy(user=user, account=account)
    assert not AuditRecord.objects.filter(action__in=["pause", "account_activated"]).exists()
    broker_accounts.revoke_account(account, by=user, wall_now=WALL)


def _keys_entered(user: User) -> None:
    account = keyed_broker.add_verified(user)
    broker_accounts.replace_keys(account, keyed_broker.OTHER_KEYS, by=user, wall_now=WALL)


def _loss(user: User) -> None:
    replay(holding_aapl(user, 11, daily_loss_limit=41), CLOSES[:3])
    assert LiveStrategy.objects.get().has_tripped


def _restored(user: User) -> None:
    at_day(TODAY)
    make_order(user=user, account=account_of(user, Mode.LIVE), state="pending")
    restored.hold_back(WALL, WALL)


def _channel_deleted(user: User) -> None:
    channel, _ = add_webhook(user, "Hook", "https://example.com/hook", WALL)
    delete_channel(channel, by=user, wall_now=WALL)


def _token_ended(user: User) -> None:
    tokens.issue(user, WALL)
    deactivate(user, user, WALL)


def _password_ends_tokens(user: User) -> None:
    tokens.issue(user, WALL, name="cron", life=timedelta(days=1))
    user.set_password("another good one 7")
    user.save()


def _last_log_in_ends_the_first(user: User) -> None:
    for _ in range(tokens.MOST + 1):
        tokens.issue(user, WALL)


def _download(user: User) -> Download:
    return download_requests.request_download(user.pk, ["AAPL"], "1Day", date(2019, 6, 1), now=WALL)


def _ended_download(user: User) -> None:
    _download(user)
    downloading.run_downloads(lambda: WALL, lambda seconds: None)


def _not_kept(user: User) -> None:
    keeping.keep(user.pk, ["AAPL"], "1Day", WALL)
    keeping.stop_keeping(user.pk, "AAPL", "1Day", WALL)


def _changed_bars(user: User) -> None:
    bars = daily_bars()
    deliver(KEY, bars, now=WALL)
    corrected = daily_bars()
    corrected.volume[3] += 1
    assert deliver(KEY, corrected, now=WALL).changed == 1


def _replaced_bars(user: User) -> None:
    deliver(KEY, daily_bars(), now=WALL)
    replace_history(KEY, daily_bars(), note="a split", now=WALL)


def _factor(signal: Any) -> Cause:
    factor = SimpleNamespace(type="totp")
    return lambda user: signal.send(None, request=RequestFactory().get("/"), user=user, authenticator=factor)


def _signal(signal: Any, **values: Any) -> Cause:
    return lambda user: signal.send(User, request=RequestFactory().get("/"), user=user, **values)


def _command(name: str, *arguments: str, **options: Any) -> Cause:
    return lambda user: call_command(name, *arguments, verbosity=0, **options)


def _password_of_a_command(user: User) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("getpass.getpass", lambda prompt="": "another good one 7")
        call_command("changepassword", user.email, verbosity=0)


def _backup_that_fails(user: User) -> None:
    """The record comes first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tradedesk.management.commands.backup.back_up", Mock(side_effect=OSError))
        with pytest.raises(CommandError):
            call_command("backup", "--with-keys", verbosity=0)


def _operator(user: User) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_SUPERUSER_PASSWORD", "another good one 7")
        call_command("createsuperuser", email="operator@example.com", interactive=False, verbosity=0)


CAUSES: list[tuple[str, Cause]] = [
    *[(f"order_{state}", _order(state)) for state in OrderState if f"order_{state}" in LABELS],
    ("order_unknown", _restored),
    ("account_added", lambda user: active_account(user.pk, "paper", WALL)),
    ("account_keys_entered", _keys_entered),
    ("account_activated", _revoked),
    ("pause", _revoked),
    ("limit_reached", _loss),
    ("halt_entries", _halt(Halt.Action.ENTRIES)),
    ("halt_orders", _halt(Halt.Action.ORDERS)),
    ("halt_flatten", _halt(Halt.Action.FLATTEN)),
    ("sectors_saved", lambda user: save_sectors(user, {"AAPL": "Technology"}, WALL)),
    ("bars_changed", _changed_bars),
    ("bars_replaced", _replaced_bars),
    ("download_queued", _download),
    ("download_cancelled", lambda user: download_requests.cancel(_download(user), WALL)),
    ("download_failed", _ended_download),
    ("series_kept", lambda user: keeping.keep(user.pk, ["AAPL"], "1Day", WALL)),
    ("series_not_kept", _not_kept),
    ("channel_added", lambda user: add_webhook(user, "Hook", "https://example.com/hook", WALL)),
    ("channel_deleted", _channel_deleted),
    ("notifications_chosen", lambda user: save_choices(user, [], [], None, WALL)),
    ("sign_up", _signal(account_signals.user_signed_up)),
    (
        "email_changed",
        _signal(
            account_signals.email_changed,
            from_email_address=None,
            to_email_address=SimpleNamespace(email="new@example.com"),
        ),
    ),
    ("second_factor_removed", _factor(mfa_signals.authenticator_removed)),
    ("recovery_codes_renewed", _factor(mfa_signals.authenticator_reset)),
    ("tokens_ended", _token_ended),
    ("tokens_ended", _password_ends_tokens),
    ("tokens_ended", _last_log_in_ends_the_first),
    ("password_changed", _password_of_a_command),
    ("operator_added", _operator),
    ("replay_reset", _command("reset_replay", "--yes")),
    ("key_rotated", _command("rotate_encryption_key")),
    ("backup", _backup_that_fails),
]


@pytest.fixture
def _desk(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.BARS_URL, settings.ENCRYPTION_KEY_FILE = (tmp_path / "bars").as_uri(), None
    keyed_broker.use(settings, monkeypatch)
    monkeypatch.setattr(download_requests, "access_of_user", lambda user_id: SimpleNamespace(owner_id=None))
    monkeypatch.setattr(downloading, "access_of_owner", _no_keys)
    monkeypatch.setattr(downloading, "publish", lambda *_: None)
    monkeypatch.setattr(download_requests, "publish", lambda *_: None)


def _no_keys(owner_id: int | None) -> Any:
    raise data_keys.NoKeys


@pytest.mark.usefixtures("_desk")
@pytest.mark.parametrize(("action", "cause"), CAUSES, ids=[action for action, _ in CAUSES])
def test_it_is_recorded(alice: User, action: str, cause: Cause) -> None:
    cause(alice)
    assert AuditRecord.objects.filter(action=action).exists()


def test_every_action_has_a_cause_here_or_a_test_elsewhere() -> None:
    tests = Path(__file__).parents[1]
    readers = [path.read_text() for path in tests.rglob("test_*.py") if path != Path(__file__)]
    named = {
        node.value
        for text in readers
        if "audit" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(LABELS) - {action for action, _ in CAUSES} - named == set()


def test_every_action_that_the_desk_writes_has_words() -> None:
    """The actions that stand in the calls themselves."""
    root = Path(__file__).parents[2]
    written = set()
    for path in [*root.glob("tradedesk/**/*.py"), *root.glob("livetrading/**/*.py")]:
        for call in ast.walk(ast.parse(path.read_text())):
            name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""
            if name in ("Entry", "record", "note", "changed", "of_download", "_told"):
                written |= {
                    each.value
                    for each in call.args[:2]  # type: ignore[attr-defined]  # a call
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                }
    assert len(written) > 40
    assert written - set(LABELS) == set()
