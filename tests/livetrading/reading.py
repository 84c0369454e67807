"""Read the text of pages, and the Deploy button."""

import re
from typing import Any

from django.template import Context, RequestContext, Template
from django.test import Client, RequestFactory

from livetrading.models import LiveStrategy
from tradedesk.accounts.models import User

HOME, LIVE, TRADE_LIST = "/dashboard", "/dashboard/live-trading", "/trades?mode=paper"
POSITIONS, ORDERS = f"{TRADE_LIST}&tab=positions", f"{LIVE}?show=orders"


# Elements that only narrow screens show in place of columns; none contains an element of the same tag.
NARROW = r"(?<!max-)(?:\bsm|min-\[80rem\]):hidden"
FOR_PHONES = re.compile(rf'<(\w+)[^>]* class="[^"]*{NARROW}[^"]*"[^>]*>.*?</\1>', re.DOTALL)


def text_of(browser: Client, url: str) -> str:
    """The text of the page on a wide screen, without tags."""
    response = browser.get(url)
    assert response.status_code == 200
    page = FOR_PHONES.sub(" ", response.content.decode())
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def detail_of(live: LiveStrategy) -> str:
    return f"{LIVE}/{live.pk}"


def button(user: User, **source: Any) -> str:
    """The button as a page of the user includes it."""
    request = RequestFactory().get("/")
    request.user = user
    return draw(RequestContext(request, {"user": user, **source}))


def draw(context: Context) -> str:
    page = Template('{% include "livetrading/_deploy_button.html" %}').render(context)
    return " ".join(re.sub(r"<[^>]*>", lambda tag: " ".join(tag[0].split()), page).split())


def form_of(page: str) -> dict[str, str]:
    return {name: re.findall(rf'name="{name}" value="([^"]*)"', page)[0] for name in ("source", "deploy_key")}
