"""The demo user of a new desk."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from livetrading.models import BrokerAccount, LiveStrategy, PaperAccount
from livetrading.services.bars_in_use import bars_in_use
from livetrading.services.demo import seed_demo
from strategies.kinds import kinds
from strategies.services import save_strategy
from tests.livetrading.factories import make_live_strategy, make_paper_trade
from tests.livetrading.made_bars import NOW
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.library import find_series
from tradedesk.marketdata.services import load_samples


@pytest.fixture(autouse=True)
def password_file(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, db: None) -> Path:
    """The password file; DEMO_PASSWORD is not set."""
    monkeypatch.delenv("DEMO_PASSWORD", raising=False)
    settings.DATA_DIR = tmp_path
    return tmp_path / "demo-password"


def strategies_of(user: User) -> list[tuple[str, str, Any]]:
    return list(user.strategies.order_by("pk").values_list("name", "kind", "symbols"))


def test_the_demo_user_has_five_strategies_of_different_kinds(password_file: Path) -> None:
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
    used = set(user.strategies.values_list("kind", flat=True))
    assert len(used) == 5
    assert used <= set(kinds())
    assert all(strategy.make_kind() for strategy in user.strategies.all())
    assert PaperAccount.objects.get().broker_account == user.broker_accounts.get(mode=Mode.PAPER, active=True)


def test_the_sample_bars_include_all_symbols_of_the_strategies() -> None:
    load_samples(NOW)
    symbols = {symbol for strategy in seed_demo().strategies.all() for symbol in strategy.symbols}
    assert set(find_series(None, symbols, "1Day")) == symbols


def test_the_generated_password_is_stored_readable_for_its_owner_only(password_file: Path) -> None:
    assert seed_demo().check_password(password_file.read_text())
    assert len(password_file.read_text()) >= 12
    assert password_file.stat().st_mode & 0o777 == 0o600


def test_two_desks_have_two_passwords(password_file: Path) -> None:
    seed_demo()
    first = password_file.read_text()
    password_file.unlink()
    BrokerAccount.objects.all().delete()
    User.objects.all().delete()
    seed_demo()
    assert password_file.read_text() != first


def test_the_password_file_survives_the_loss_of_the_database(password_file: Path) -> None:
    seed_demo()
    first = password_file.read_text()
    BrokerAccount.objects.all().delete()
    User.objects.all().delete()
    assert seed_demo().check_password(first)
    assert password_file.read_text() == first


def test_the_environment_can_set_the_password(password_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "chosen by the administrator")
    assert seed_demo().check_password("chosen by the administrator")
    assert not password_file.exists()
    monkeypatch.setenv("DEMO_PASSWORD", "chosen again")
    assert seed_demo().check_password("chosen again")
    monkeypatch.delenv("DEMO_PASSWORD")
    assert seed_demo().check_password("chosen again")


def test_a_second_run_keeps_the_changes_of_the_user(password_file: Path) -> None:
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


def test_deleted_strategies_are_not_created_again() -> None:
    seed_demo().strategies.all().delete()
    assert seed_demo().strategies.count() == 0


def test_other_users_are_not_changed(alice: User) -> None:
    before = User.objects.filter(pk=alice.pk).values().get()
    seed_demo()
    assert User.objects.filter(pk=alice.pk).values().get() == before
    assert alice.strategies.count() == 0


def test_the_command_prints_the_user_and_the_number_of_strategies(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed_demo")
    assert capsys.readouterr().out == "demo@example.com is ready, with 5 strategies.\n"
    call_command("seed_demo", verbosity=0)
    assert capsys.readouterr().out == ""


def test_closing_the_demo_stops_what_it_has_deployed_and_frees_the_sample_bars(alice: User) -> None:
    load_samples(NOW)
    demo = seed_demo()
    mine = make_live_strategy(user=alice, symbols=["AAPL"])
    deployed = make_live_strategy(user=demo, symbols=["AAPL"])
    make_paper_trade(user=demo, symbol="AAPL")
    assert bars_in_use("AAPL", "1Day", None, [alice.pk]) == ["1 account holds it", "1 live strategy trades it"]
    for _ in range(2):
        call_command("seed_demo", "--off", verbosity=0)
    statuses = [LiveStrategy.objects.get(pk=each.pk).status for each in (mine, deployed)]
    assert statuses == [LiveStrategy.Status.ACTIVE, LiveStrategy.Status.STOPPED]
    assert bars_in_use("AAPL", "1Day", None, [alice.pk]) == []
    assert bars_in_use("AAPL", "1Day", None, []) == ["1 live strategy trades it"]
