"""The Celery application. It finds the tasks.py of each app by name."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradedesk.settings.base")


def make_app(*, set_as_current: bool = True) -> Celery:
    """A Celery application. A second one in the same process must not become the current one."""
    celery_app = Celery("tradedesk", set_as_current=set_as_current)
    celery_app.config_from_object("django.conf:settings", namespace="CELERY")
    celery_app.autodiscover_tasks()
    return celery_app


app = make_app()
