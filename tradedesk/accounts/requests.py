"""The request of a page that needs a user: the middleware has let nobody else through."""

from django.http import HttpRequest

from tradedesk.accounts.models import User


class UserRequest(HttpRequest):
    user: User
