"""The demo user of a new desk, with five strategies to backtest and deploy."""

import os
import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from livetrading.models import LiveStrategy
from livetrading.models.live_strategy import CHECKED
from livetrading.services.accounts import active_account
from livetrading.services.control import ControlRefused, control
from livetrading.services.examples import save_examples
from tradedesk.accounts.models import Mode, User

EMAIL = "demo@example.com"


def seed_demo() -> User:
    """The demo user, created with a paper account and strategies when it is missing. Later changes of the user are
    kept.

    The password is DEMO_PASSWORD, or a generated one that is stored in the data folder.
    """
    with transaction.atomic():
        user, created = User.objects.get_or_create(email=EMAIL)
        if created:
            save_examples(user)
            active_account(user.pk, Mode.PAPER)
        if not user.is_active:
            user.is_active = True
            user.save(update_fields=["is_active"])
        wanted = os.environ.get("DEMO_PASSWORD")
        if created or (wanted and not user.check_password(wanted)):
            user.set_password(wanted or _stored_password(settings.DATA_DIR / "demo-password"))
            user.save(update_fields=["password"])
    return user


def close_demo(now: datetime, wall_now: datetime) -> bool:
    """Deactivate the demo user, so that nobody can log in as it, and stop its strategies. Its records stay.
    Returns whether it was active."""
    closed = User.objects.filter(email=EMAIL, is_active=True).update(is_active=False) == 1
    for live in LiveStrategy.objects.filter(user__email=EMAIL, status__in=CHECKED).select_related("user"):
        with suppress(ControlRefused):  # stopped in the meantime
            control(live, "stop", now, wall_now, actor="manage.py seed_demo")
    return closed


def _stored_password(path: Path) -> str:
    if path.exists():
        return path.read_text().strip()
    password = secrets.token_urlsafe(9)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password)
    return password
