from django.contrib import admin

from tradedesk.audit.models import AuditRecord
from tradedesk.read_only_admin import ReadOnlyAdmin


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnlyAdmin[AuditRecord]):
    """Read only: a record is never changed. Without the user, who may be deleted."""

    exclude = ["user"]
    list_display = ["sequence", "time", "actor", "action", "subject_type", "subject_id", "details"]
    list_filter = ["action", "subject_type"]
    search_fields = ["actor", "subject_id"]
    date_hierarchy = "time"
    show_full_result_count = False
