from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from celery import current_app
from pytest_django import Settings

from tradedesk.marketdata.assets import REFRESH_TASK
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.tasks import advance_replay

NAME = "tradedesk.marketdata.tasks.advance_replay"
START = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_it_moves_the_replay_by_wall_time() -> None:
    ReplayMarket.objects.create(session=date(2012, 3, 5), advanced_at=START)
    with time_machine.travel(START + timedelta(seconds=1), tick=False):
        advance_replay()
        assert ReplayMarket.objects.get().session == date(2012, 3, 5)
    with time_machine.travel(START + timedelta(hours=1), tick=False):
        advance_replay()
        assert ReplayMarket.objects.get().session == date(2012, 3, 6)


def test_celery_finds_it_by_name() -> None:
    assert advance_replay.name == NAME
    assert NAME in current_app.tasks


def test_the_list_of_shares_is_not_read_on_the_threads_of_trading(settings: Settings) -> None:
    route = settings.CELERY_TASK_ROUTES[REFRESH_TASK]
    assert route == {"queue": settings.NOTIFICATION_QUEUE}
