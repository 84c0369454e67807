from datetime import UTC, date, datetime

import pytest
import time_machine
from django.core.management import call_command
from pytest_django import Settings

from tradedesk.marketdata.models import ReplayMarket


@pytest.mark.django_db
def test_it_shows_the_session_of_the_replay(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.REPLAY_SECONDS_PER_BAR = 0.5
    ReplayMarket.objects.create(session=date(2012, 3, 5), advanced_at=datetime(2026, 1, 5, tzinfo=UTC))
    call_command("replay_status")
    assert capsys.readouterr().out == "Replay market · 2012-03-05 · 1 session = 0.5 s\n"


def test_it_shows_the_state_of_the_real_market(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.MARKET = "real"
    with time_machine.travel(datetime(2026, 1, 5, 15, tzinfo=UTC)):
        call_command("replay_status")
    assert capsys.readouterr().out == "US market open\n"
