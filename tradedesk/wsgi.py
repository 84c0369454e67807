"""WSGI entry point, for servers without ASGI; live pages then poll instead of streaming."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradedesk.settings.base")
application = get_wsgi_application()
