"""The settings of a user: the overview, security and API tokens."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tradedesk.accounts import tokens
from tradedesk.accounts.forms import TokenForm
from tradedesk.accounts.requests import UserRequest


@require_safe
def overview(request: UserRequest) -> HttpResponse:
    """Profile and email, and what each other section holds."""
    address = EmailAddress.objects.filter(user=request.user, primary=True).first()
    return render(request, "settings/overview.html", {"address": address, **_access(request)})


@require_safe
def security(request: UserRequest) -> HttpResponse:
    """Password, second factors and sessions, each with a link to where it is changed."""
    by_number = request.get_host().partition(":")[0].replace(".", "").isdigit()
    return render(request, "settings/security.html", {"by_number": by_number, **_access(request)})


def _access(request: UserRequest) -> dict[str, Any]:
    """How the user gets in. Three queries."""
    factors = list(Authenticator.objects.filter(user=request.user))
    of = Authenticator.Type
    return {
        "app": next((factor for factor in factors if factor.type == of.TOTP), None),
        "keys": [factor for factor in factors if factor.type == of.WEBAUTHN],
        "codes": next((factor for factor in factors if factor.type == of.RECOVERY_CODES), None),
        "sessions": len(UserSession.objects.purge_and_list(request.user)),
        "tokens": request.user.api_tokens.filter(expires_at__gt=timezone.now()).count(),
    }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]  # allauth has no types
def token_list(request: UserRequest) -> HttpResponse:
    """The tokens of the API, and a form for a new one, which is shown once."""
    form, new = TokenForm(request.POST or None), ""
    now = timezone.now()
    if request.method == "POST" and form.is_valid():
        try:
            values = form.cleaned_data
            new, _ = tokens.issue(
                request.user, now, name=values["name"], scope=values["scope"], life=values["life"]
            )
            form = TokenForm()
        except tokens.TooManyTokens as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "new": new, "tokens": request.user.api_tokens.filter(expires_at__gt=now)}
    return render(request, "settings/tokens.html", context)


@require_POST
def token_revoke(request: UserRequest, pk: int) -> HttpResponse:
    tokens.revoke(get_object_or_404(request.user.api_tokens, pk=pk), timezone.now())
    messages.success(request, "The token is revoked.")
    return redirect("accounts:tokens")
