"""The desk's settings with a heartbeat of the workers each second, for tests that wait for the next one."""

from tradedesk.settings.base import *  # noqa: F403 - all settings, with another schedule
from tradedesk.settings.base import CELERY_BEAT_SCHEDULE

for _entry in CELERY_BEAT_SCHEDULE.values():
    if str(_entry["task"]).endswith("heartbeat"):
        _entry["schedule"] = 1
