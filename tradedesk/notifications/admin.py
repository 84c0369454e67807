from django.contrib import admin

from tradedesk.notifications.models import Channel, Delivery, Notification
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


@admin.register(Channel)
class ChannelAdmin(ReadOnlyAdmin[Channel]):
    """Without the address and the key, encrypted as they are. An operator may delete a channel that does harm."""

    deletable = True

    list_display = ["name", "user", "kind", "shown", "failing_since", "last_error"]
    list_filter = ["kind"]
    list_select_related = ["user"]
    search_fields = ["user__email", "name"]
    exclude = ["address", "signing_key"]
    show_full_result_count = False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin[Delivery]):
    """The outbox."""

    list_display = [
        "id",
        "channel",
        "state",
        "priority",
        "attempts",
        "next_attempt_at",
        "last_error",
        "finished_at",
    ]
    list_filter = ["state", "priority"]
    list_select_related = ["channel"]
    search_fields = ["channel__user__email"]
    show_full_result_count = False
