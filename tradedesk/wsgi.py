"""WSGI entry point, for servers without ASGI. Live pages then poll instead of using the event stream."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradedesk.settings.base")
application = get_wsgi_application()
