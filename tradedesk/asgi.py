"""ASGI entry point."""

import os

from django.core.asgi import get_asgi_application

from tradedesk.core.loaded import keep_loaded
from tradedesk.request_limits import RequestLimits

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradedesk.settings.base")
application = RequestLimits(get_asgi_application())
keep_loaded()
