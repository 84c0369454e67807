"""The page that says what an action of the admin will do; its button sends the same action again, confirmed."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

# Rows that the page names.
NAMED = 50


def confirmation(
    model_admin: admin.ModelAdmin[Any],
    http: HttpRequest,
    title: str,
    summary: str,
    named: Sequence[str],
    *,
    word: str = "",
    asks_reason: bool = False,
) -> HttpResponse:
    """named: the rows in words; more than NAMED end with a sign that there are more. word: to be typed."""
    sent = ("action", "select_across", "index", "_selected_action")
    context = {
        **model_admin.admin_site.each_context(http),
        "title": title,
        "opts": model_admin.model._meta,
        "summary": summary,
        "named": named[:NAMED],
        "more": len(named) > NAMED,
        "word": word,
        "asks_reason": asks_reason,
        "sent": [(name, value) for name in sent for value in http.POST.getlist(name)],
    }
    return TemplateResponse(http, "admin/livetrading/confirm.html", context)
