"""The admin pages of log-in rows, in place of allauth's own, which show and change what nobody should."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tradedesk.accounts.log_records import note
from tradedesk.read_only_admin import ReadOnlyAdmin

admin.site.unregister([Authenticator, UserSession])


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin[Authenticator]):
    """Without the secrets, encrypted as they are. An operator may delete one that its user has lost."""

    deletable = True
    exclude = ["data"]
    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    list_select_related = ["user"]
    search_fields = ["user__email"]


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin[UserSession]):
    """Without the key of the session, which is as good as a password."""

    exclude = ["session_key", "data"]
    list_display = ["user", "created_at", "last_seen_at", "ip", "user_agent"]
    list_select_related = ["user"]
    search_fields = ["user__email", "ip"]
    actions = ["end_sessions"]

    def has_end_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("usersessions.delete_usersession"))

    @admin.action(description="End these sessions", permissions=["end"])
    def end_sessions(self, request: HttpRequest, sessions: "QuerySet[UserSession]") -> None:
        ended = 0
        for session in sessions.select_related("user"):
            session.end()
            note(session.user, "sessions_ended", actor=request.user, sessions=1)  # type: ignore[arg-type]  # staff
            ended += 1
        self.message_user(request, f"{ended} ended.")
