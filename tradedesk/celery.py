"""The Celery application; each app's tasks.py is found by name."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradedesk.settings.base")


def make_app(*, set_as_current: bool = True) -> Celery:
    """A second one in the same process has queues of its own to listen to, and is not the current one."""
    made = Celery("tradedesk", set_as_current=set_as_current)
    made.config_from_object("django.conf:settings", namespace="CELERY")
    made.autodiscover_tasks()
    return made


app = make_app()
