"""Settings of the simulation: an SQLite database in memory, and nothing outside."""

import os

os.environ["DATABASE_URL"] = ""
os.environ["REDIS_URL"] = ""

from tradedesk.settings.test import *  # noqa: F403 - all settings, with a few changes
from tradedesk.settings.test import INSTALLED_APPS

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
# The tables are made from the models, because the steps of the migrations take seconds.
MIGRATION_MODULES = {name.rpartition(".")[2]: None for name in INSTALLED_APPS} | {"admin": None}
MARKET = "real"
LOGGING_CONFIG = None
