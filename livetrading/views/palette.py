"""The command palette: what a user finds with a few letters, as JSON."""

from django.http import JsonResponse
from django.views.decorators.http import require_safe

from livetrading.summaries import palette
from tradedesk.accounts.requests import PageRequest

KEYS = ("group", "label", "detail", "url", "icon", "do")


@require_safe
def search(request: PageRequest) -> JsonResponse:
    """q: what was typed."""
    query = request.GET.get("q", "").replace("\0", "")
    if len(query) > palette.LONGEST:
        return JsonResponse({"detail": f"q has at most {palette.LONGEST} characters."}, status=400)
    found = palette.find(request.user, query)
    return JsonResponse({"results": [{key: getattr(entry, key) for key in KEYS} for entry in found]})
