"""The demo user of a fresh desk."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from livetrading.models import PaperAccount
from livetrading.services.demo import seed_demo
from strategies.kinds import kinds
from strategies.services import save_strategy
from tests.livetrading.made_bars import NOW
from tradedesk.accounts.models import User
from tradedesk.marketdata.library import find_series
from tradedesk.marketdata.services import load_samples


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, db: None) -> Path:
    """Where the password is kept; none is wanted by the environment."""
    monkeypatch.delenv("DEMO_PASSWORD", raising=False)
    settings.DATA_DIR = tmp_path
    return tmp_path / "demo-password"


def strategies_of(user: User) -> list[tuple[str, str, Any]]:
    return list(user.strategies.order_by("pk").values_list("name", "kind", "symbols"))


def test_it_has_five_strategies_one_of_each_kind(kept: Path) -> None:
    user = seed_demo()
    assert user.email == "demo@example.com"
    assert not user.is_staff
    assert strategies_of(user) == [
        ("Moving averages 10/30", "sma_crossover", ["AAPL", "GOOG", "IBM", "MSFT"]),
        ("Buy the dip", "rsi_mean_reversion", ["AAPL", "GOOG", "IBM", "MSFT"]),
        ("Breakout 20/10", "donchian_breakout", ["AAPL", "GOOG", "IBM", "MSFT"]),
        ("MACD momentum", "macd", ["AAPL", "MSFT"]),
        ("Buy and hold", "buy_and_hold", ["AAPL", "GOOG", "IBM", "MSFT", "FB"]),
    ]
    found = set(user.strategies.values_list("kind", flat=True))
    assert len(found) == 5
    assert found <= set(kinds())
    assert all(strategy.make_kind() for strategy in user.strategies.all())
    assert PaperAccount.objects.get().user == user


def test_its_strategies_trade_what_the_samples_hold() -> None:
    load_samples(NOW)
    wanted = {symbol for strategy in seed_demo().strategies.all() for symbol in strategy.symbols}
    assert set(find_series(wanted, "1Day")) == wanted


def test_its_password_is_made_once_and_kept_for_nobody_else_to_read(kept: Path) -> None:
    assert seed_demo().check_password(kept.read_text())
    assert len(kept.read_text()) >= 12
    assert kept.stat().st_mode & 0o777 == 0o600


def test_two_desks_have_two_passwords(kept: Path) -> None:
    seed_demo()
    first = kept.read_text()
    kept.unlink()
    User.objects.all().delete()
    seed_demo()
    assert kept.read_text() != first


def test_a_database_that_was_lost_keeps_the_password(kept: Path) -> None:
    seed_demo()
    first = kept.read_text()
    User.objects.all().delete()
    assert seed_demo().check_password(first)
    assert kept.read_text() == first


def test_the_environment_may_name_the_password(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "chosen by the operator")
    assert seed_demo().check_password("chosen by the operator")
    assert not kept.exists()
    monkeypatch.setenv("DEMO_PASSWORD", "chosen anew")
    assert seed_demo().check_password("chosen anew")
    monkeypatch.delenv("DEMO_PASSWORD")
    assert seed_demo().check_password("chosen anew")


def test_a_second_run_changes_nothing_that_the_user_changed(kept: Path) -> None:
    user = seed_demo()
    first, second, *rest = user.strategies.order_by("pk")
    save_strategy(
        user, name="My own", kind="buy_and_hold", parameters={}, symbols=["FB"], timeframe="1Day", strategy=first
    )
    second.delete()
    user.set_password("my own password")
    user.save()
    PaperAccount.objects.update(cash=5)
    before = (strategies_of(user), User.objects.values().get(), PaperAccount.objects.values().get())
    seed_demo()
    assert (strategies_of(user), User.objects.values().get(), PaperAccount.objects.values().get()) == before
    assert len(before[0]) == 1 + len(rest)


def test_all_strategies_deleted_stay_deleted() -> None:
    seed_demo().strategies.all().delete()
    assert seed_demo().strategies.count() == 0


def test_other_users_are_left_alone(alice: User) -> None:
    before = User.objects.filter(pk=alice.pk).values().get()
    seed_demo()
    assert User.objects.filter(pk=alice.pk).values().get() == before
    assert alice.strategies.count() == 0


def test_the_command_says_what_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed_demo")
    assert capsys.readouterr().out == "demo@example.com is ready, with 5 strategies.\n"
    call_command("seed_demo", verbosity=0)
    assert capsys.readouterr().out == ""
