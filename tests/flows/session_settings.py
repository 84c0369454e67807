"""The settings of a desk whose clock is shifted (SHIFT_SECONDS): a test finds the market open at any hour."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from celery.fixups.django import DjangoFixup
from django.utils import timezone

from tradedesk.core.clock import SystemClock
from tradedesk.settings.base import *  # noqa: F403 - all settings, with another clock

_SHIFT = timedelta(seconds=float(os.environ["SHIFT_SECONDS"]))


def _now(*_: Any) -> datetime:
    return datetime.now(UTC) + _SHIFT


def _wall(*_: Any, **__: Any) -> datetime:
    return datetime.now(UTC)


# Before any app is imported, so that no module has bound the functions of before. Celery keeps the wall clock: its
# worker compares it with the time when a message expires.
timezone.now = _now
SystemClock.now = _now  # type: ignore[assignment,method-assign]
DjangoFixup.now = _wall  # type: ignore[method-assign]
CELERY_BEAT_SCHEDULER = "tests.flows.session_beat:SessionScheduler"
