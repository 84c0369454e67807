from django.core.checks import run_checks
from pytest_django import Settings


def errors() -> list[str]:
    return [message.msg for message in run_checks() if message.id == "marketdata.E001"]


def test_a_wrong_replay_start_is_an_error_of_the_system_check(settings: Settings) -> None:
    settings.MARKET = "replay"
    settings.REPLAY_START = "2010-01-04"
    assert errors() == []
    settings.REPLAY_START = "tomorrow"
    assert len(errors()) == 1


def test_the_real_market_ignores_the_replay_start(settings: Settings) -> None:
    settings.MARKET = "real"
    settings.REPLAY_START = "tomorrow"
    assert errors() == []
