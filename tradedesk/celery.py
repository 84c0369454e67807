"""The Celery application. It finds the tasks.py of each app by name."""

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, worker_ready
from kombu.transport import TRANSPORT_ALIASES

from tradedesk.core.loaded import keep_loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradedesk.settings.base")
TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "tradedesk.redis_transport:Transport"))
TRANSPORT_ALIASES["memory"] = "tradedesk.memory_transport:Transport"


def make_app(*, set_as_current: bool = True) -> Celery:
    """A Celery application. A second one in the same process must not become the current one."""
    celery_app = Celery("tradedesk", set_as_current=set_as_current)
    celery_app.config_from_object("django.conf:settings", namespace="CELERY")
    celery_app.autodiscover_tasks()
    return celery_app


app = make_app()


@celeryd_init.connect(weak=False)
def refuse_newer_database(**_: Any) -> None:
    """A worker of an older version ends with the reason; manage.py does the same, and beat."""
    from tradedesk.database_check import refuse_for_command

    refuse_for_command(["celery", "worker"])


@worker_ready.connect(weak=False)
def when_ready(**_: Any) -> None:
    keep_loaded()
