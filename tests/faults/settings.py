"""The settings of the workers that trade at the brokers of the fault tests."""

from tradedesk.settings.test import *  # noqa: F403 - all settings, with one broker more

BROKERS = BROKERS | {"hostile": "tests.hostile_broker.adapter.connect"}  # noqa: F405 - from the test settings
ALPACA_REQUESTS_PER_MINUTE = 1_000_000  # as UNLIMITED in brokers.py
