"""WSGI entry point, for servers without ASGI. Pages that refresh themselves then poll, because there is
no event stream."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradedesk.settings.base")
application = get_wsgi_application()
