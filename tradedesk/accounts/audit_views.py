"""The records of a user: who did what on this desk, when, and from where."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tradedesk.accounts.forms import AuditFilters
from tradedesk.accounts.requests import UserRequest
from tradedesk.audit.actions import label_of
from tradedesk.audit.models import AuditRecord
from tradedesk.audit.origin import LABELS, Via
from tradedesk.audit.reading import FORMATS, MOST, OF_OPERATORS, Records, export, filtered, page_of


@require_safe
def audit_list(request: UserRequest) -> HttpResponse:
    filters, records = _filtered(request)
    before = request.GET.get("before", "")
    page = page_of(records, int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None)
    query = request.GET.copy()
    query.pop("before", None)
    context = {
        "filters": filters,
        "entries": [_shown(record) for record in page.records],
        "older": page.older,
        "is_newest": not before,
        "query": query.urlencode(),
        "formats": FORMATS,
        "most": MOST,
    }
    return render(request, "settings/audit.html", context)


@require_safe
def audit_export(request: UserRequest, file_format: str) -> StreamingHttpResponse:
    """Exactly what the filters show, on all pages."""
    if file_format not in FORMATS:
        raise Http404
    return export(request, _filtered(request)[1], file_format)


def _filtered(request: UserRequest) -> tuple[AuditFilters, Records]:
    """An invalid filter shows its error and is ignored."""
    filters = AuditFilters(request.GET, auto_id="filter_%s")
    filters.is_valid()
    return filters, filtered(AuditRecord.objects.filter(user=request.user), **filters.values())


def _shown(record: AuditRecord) -> dict[str, Any]:
    via = LABELS[Via(record.via)] if record.via in set(Via) else record.via
    address = "" if record.via in OF_OPERATORS else record.address
    told = {name: value for name, value in record.details.items() if value not in (None, "", [], {})}
    return {
        "record": record,
        "action": label_of(record.action),
        "where": " · ".join(part for part in (via, record.through, address) if part),
        "details": "; ".join(f"{name}: {_words(value)}" for name, value in told.items()),
    }


def _words(value: Any) -> str:
    match value:
        case Mapping():
            return ", ".join(f"{name} {_words(each)}" for name, each in value.items())
        case list():
            return ", ".join(map(_words, value))
        case date():
            return value.isoformat()
        case None:
            return "none"
        case _:
            return str(value)
