"""The audit in the admin: read only, because a record is never changed, and exported as the list shows it."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from tradedesk.audit import actions
from tradedesk.audit.models import AuditRecord
from tradedesk.audit.origin import LABELS
from tradedesk.audit.reading import FORMATS, export
from tradedesk.read_only_admin import ReadOnlyAdmin


class ActionFilter(admin.SimpleListFilter):
    """By the known actions: to look for those that occur would read the whole table."""

    title = parameter_name = "action"
    known: Iterable[tuple[str, str]] = tuple(actions.LABELS.items())

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return self.known

    def queryset(self, request: HttpRequest, queryset: "QuerySet[AuditRecord]") -> "QuerySet[AuditRecord]":
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class ViaFilter(ActionFilter):
    title = parameter_name = "via"
    known = tuple((via.value, label) for via, label in LABELS.items())


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnlyAdmin[AuditRecord]):
    """Without the user, who may be deleted."""

    exclude = ["user"]
    list_display = [
        *("sequence", "time", "actor", "action", "subject_type", "subject_id", "details"),
        *("via", "through", "address"),
    ]
    list_filter = ["time", ActionFilter, ViaFilter]
    search_fields = ["actor", "subject_id", "address"]
    show_full_result_count = False
    change_list_template = "admin/audit/records.html"

    def get_urls(self) -> list[URLPattern]:
        exported = self.admin_site.admin_view(self.export_list)
        return [path("export/<str:file_format>", exported, name="audit_export"), *super().get_urls()]

    def export_list(self, request: HttpRequest, file_format: str) -> HttpResponseBase:
        """What the list shows with the same filters and search, on all pages."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if file_format not in FORMATS:
            raise Http404
        # The link of the list has its page, which the export has not.
        query = request.GET.copy()
        query.pop(PAGE_VAR, None)
        request.GET = query  # type: ignore[assignment]  # the list reads it from there
        try:
            shown = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponseBadRequest("There is no such filter.")
        return export(request, shown, file_format, for_operators=True)
