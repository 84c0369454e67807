from django.contrib import admin

from tradedesk.notifications.models import Notification
from tradedesk.read_only_admin import ReadOnlyAdmin


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin[Notification]):
    """Read only: a notification is a record."""

    deletable = True

    list_display = ["created_at", "user", "event", "priority", "text", "read_at"]
    list_filter = ["priority", "event"]
    list_select_related = ["user"]
    search_fields = ["user__email", "text"]
    date_hierarchy = "created_at"
    show_full_result_count = False
