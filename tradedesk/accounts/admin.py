from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from tradedesk.accounts.deactivation import activate, deactivate
from tradedesk.accounts.models import User


@admin.register(User)
class UserAdmin(BaseUserAdmin[User]):
    """Users by email address. The mode is read only, and so is whether a user is active: the actions change it.

    A user who has traded cannot be deleted, because the records stay; the action deactivates: nobody can log in as
    the user, and its API tokens and sessions end."""

    ordering = ["email"]
    list_display = ["email", "mode", "is_active", "is_staff", "last_login"]
    list_filter = ["mode", "is_active", "is_staff"]
    search_fields = ["email"]
    actions = ["deactivate", "activate"]
    readonly_fields = ["mode", "is_active", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        ("Trading", {"fields": ["mode"]}),
        ("Permissions", {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"classes": ["wide"], "fields": ["email", "usable_password", "password1", "password2"]})
    ]

    @admin.action(description="Deactivate: nobody can log in as these users", permissions=["change"])
    def deactivate(self, request: HttpRequest, users: "QuerySet[User]") -> None:
        others = users.exclude(pk=request.user.pk or 0)  # an operator does not lock himself out
        for user in others:
            deactivate(user, request.user, timezone.now())  # type: ignore[arg-type]  # staff alone
        self.message_user(request, f"{len(others)} deactivated. Their strategies go on until you stop them.")

    @admin.action(description="Activate: they can log in again", permissions=["change"])
    def activate(self, request: HttpRequest, users: "QuerySet[User]") -> None:
        inactive = users.filter(is_active=False)
        for user in inactive:
            activate(user, request.user, timezone.now())  # type: ignore[arg-type]  # staff alone
        self.message_user(request, "They can log in again.")
