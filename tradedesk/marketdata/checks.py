"""System checks of the market settings, so that a wrong one is refused when the desk starts."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from tradedesk.marketdata import replay


@register()
def data_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    if bool(settings.ALPACA_DATA_KEY_ID) == bool(settings.ALPACA_DATA_SECRET):
        return []
    return [Error("Set ALPACA_DATA_KEY_ID and ALPACA_DATA_SECRET, both or none.", id="marketdata.E002")]


@register()
def replay_start(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    if settings.MARKET != "replay":
        return []
    try:
        replay.start_date()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="marketdata.E001")]
    return []
