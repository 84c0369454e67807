"""The settings of the workers that trade at the hostile broker."""

from tradedesk.settings.test import *  # noqa: F403 - all settings, with one broker more

BROKERS = BROKERS | {"hostile": "tests.hostile_broker.adapter.connect"}  # noqa: F405 - from the test settings
