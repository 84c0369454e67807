from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin

from tradedesk.accounts.models import Notification, User
from tradedesk.read_only_admin import ReadOnlyAdmin


@admin.register(User)
class UserAdmin(BaseUserAdmin[User]):
    """Users by email address. Mode and kill switch are read only here: users change them on the desk's pages."""

    ordering = ["email"]
    list_display = ["email", "mode", "is_active", "is_staff", "last_login"]
    list_filter = ["mode", "is_active", "is_staff"]
    search_fields = ["email"]
    readonly_fields = ["mode", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        ("Trading", {"fields": ["mode"]}),
        ("Permissions", {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"classes": ["wide"], "fields": ["email", "usable_password", "password1", "password2"]})
    ]


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin[Notification]):
    """Read only: a notification is a record."""

    deletable = True

    list_display = ["created_at", "user", "level", "text", "read_at"]
    list_filter = ["level"]
    list_select_related = ["user"]
    search_fields = ["user__email", "text"]
    date_hierarchy = "created_at"
    show_full_result_count = False
