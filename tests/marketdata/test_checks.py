from django.core.checks import run_checks
from pytest_django import Settings


def found() -> list[str]:
    return [message.msg for message in run_checks() if message.id == "marketdata.E001"]


def test_a_wrong_start_of_the_replay_stops_the_desk_when_it_starts(settings: Settings) -> None:
    settings.MARKET = "replay"
    settings.REPLAY_START = "2010-01-04"
    assert found() == []
    settings.REPLAY_START = "tomorrow"
    assert found() == [
        "REPLAY_START must be a date from 2000-03-01 to 2013-02-28, written like 2010-01-04, not “tomorrow”."
    ]


def test_on_the_real_market_it_does_not_matter(settings: Settings) -> None:
    settings.MARKET = "real"
    settings.REPLAY_START = "tomorrow"
    assert found() == []
