"""Settings of the test suite. tests/services.py sets the URLs of the test servers in the environment."""

import os
import tempfile

if "DESK_DATA_DIR" not in os.environ:
    os.environ["DESK_DATA_DIR"] = tempfile.mkdtemp(prefix="desk-test-")
os.environ.setdefault("SECRET_KEY", "only-for-the-test-suite-0123456789-0123456789-0123456789")
os.environ.setdefault("HTTPS", "0")

from tradedesk.settings.base import *  # noqa: F403 - all settings, with a few changes

# Tests read what is logged from the records.
LOGGING["handlers"].pop("file", None)  # noqa: F405 - from base
LOGGING["root"]["handlers"] = ["console"]  # noqa: F405 - from base
LOGGING["loggers"]["tradedesk.journal"]["level"] = "ERROR"  # noqa: F405 - from base
# Brokers of tests are none; what the replay forbids is tested by itself.
TRADES_AT_BROKERS = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405 - from base
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
WHITENOISE_AUTOREFRESH = True
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ACCOUNT_RATE_LIMITS = False  # type: ignore[assignment]  # allauth: False switches them off
SIGNUP_OPEN = True
ACCOUNT_EMAIL_VERIFICATION = "none"
