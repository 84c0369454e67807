"""tradedesk: the ground floor (core, marketdata, accounts) and the roof that joins the apps."""

from tradedesk.celery import app as celery_app

__all__ = ["celery_app"]
