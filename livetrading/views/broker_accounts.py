"""The settings of broker accounts: list, add, test, activate, rename, replace keys, revoke."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from livetrading.forms import KINDS, AddForm, KeysForm, NameForm
from livetrading.models import BrokerAccount
from livetrading.services import broker_accounts as accounts
from livetrading.services.wording import counted
from livetrading.summaries.broker_accounts import accounts_of, revoked_accounts, rows_of
from tradedesk.accounts.fresh_password import ask_for_password, fresh_password
from tradedesk.accounts.requests import PageRequest

PAGE = "livetrading:brokers"


@require_safe
@vary_on_headers("HX-Request")
def broker_list(request: PageRequest) -> HttpResponse:
    """The page; for htmx its list, which refreshes itself while a test is under way."""
    own = list(accounts_of(request.user))
    context: dict[str, object] = {"rows": rows_of(own, timezone.now())}
    if request.htmx:
        return render(request, "livetrading/_broker_accounts.html", context)
    context |= {
        "revoked": revoked_accounts(request.user),
        "most": accounts.MOST,
        "full": len(own) >= accounts.MOST,
    }
    return render(request, "livetrading/broker_accounts.html", context)


@never_cache
@sensitive_post_parameters("key_id", "secret")
@require_http_methods(["GET", "HEAD", "POST"])
@fresh_password
def add(request: PageRequest, kind: str) -> HttpResponse:
    if kind not in KINDS:
        raise Http404
    _, mode, _ = KINDS[kind]
    first = not accounts_of(request.user).filter(mode=mode, active=True).exists()
    form = AddForm(kind, request.POST or None, activate=first)
    if form.is_valid():
        values = form.cleaned_data
        try:
            account = accounts.add_account(
                request.user,
                form.broker,
                form.mode,
                values["name"],
                form.credentials(),
                activate=values["activate"],
                wall_now=timezone.now(),
            )
        except accounts.AccountRefused as refusal:
            form.add_error(refusal.field or None, str(refusal))
        else:
            what = "is open" if form.is_simulation else "is added and being tested"
            messages.success(request, f"“{account.name}” {what}.")
            return redirect(PAGE)
    return _form(request, "livetrading/broker_account_add.html", form)


@require_POST
def test(request: PageRequest, pk: int) -> HttpResponse:
    account = _own(request, pk)
    try:
        accounts.request_test(account, by=request.user, wall_now=timezone.now())
    except accounts.AccountRefused as refusal:
        messages.error(request, str(refusal))
    return redirect(PAGE)


@require_POST
def activate(request: PageRequest, pk: int) -> HttpResponse:
    account = _own(request, pk)
    if (asked := ask_for_password(request, reverse(PAGE))) is not None:
        return asked
    try:
        accounts.activate_account(account, by=request.user, wall_now=timezone.now())
        messages.success(request, f"“{account.name}” is the active {account.mode} account.")
    except accounts.AccountRefused as refusal:
        messages.error(request, str(refusal))
    return redirect(PAGE)


@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: PageRequest, pk: int) -> HttpResponse:
    account = _own(request, pk)
    form = NameForm(request.POST or None, initial={"name": account.name})
    if form.is_valid():
        try:
            accounts.rename_account(account, form.cleaned_data["name"], by=request.user, wall_now=timezone.now())
        except accounts.AccountRefused as refusal:
            form.add_error(refusal.field or None, str(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect(PAGE)
    return _form(request, "livetrading/broker_account_rename.html", form, account)


@never_cache
@sensitive_post_parameters("key_id", "secret")
@require_http_methods(["GET", "HEAD", "POST"])
@fresh_password
def keys(request: PageRequest, pk: int) -> HttpResponse:
    account = _own(request, pk)
    if account.is_simulation:
        raise Http404
    form = KeysForm(request.POST or None)
    if form.is_valid():
        try:
            accounts.replace_keys(account, form.credentials(), by=request.user, wall_now=timezone.now())
        except accounts.AccountRefused as refusal:
            form.add_error(refusal.field or None, str(refusal))
        else:
            messages.success(
                request, "The new keys are being tested. They replace the current ones when they pass."
            )
            return redirect(PAGE)
    return _form(request, "livetrading/broker_account_keys.html", form, account)


@require_http_methods(["GET", "HEAD", "POST"])
@fresh_password
def revoke(request: PageRequest, pk: int) -> HttpResponse:
    """The page that says what ends; after its button, the revocation."""
    account = _own(request, pk)
    if request.method == "POST":
        try:
            paused = accounts.revoke_account(account, by=request.user, wall_now=timezone.now())
        except accounts.AccountRefused as refusal:
            messages.error(request, str(refusal))
            return redirect("livetrading:broker_revoke", pk)
        strategies = f" {counted(paused, 'live strategy', 'live strategies')} paused." if paused else ""
        messages.success(request, f"“{account.name}” is revoked.{strategies}")
        return redirect(PAGE)
    (row,) = rows_of([account], timezone.now())
    context = {"row": row, "account": account, "problem": accounts.held_problem(account)}
    return render(request, "livetrading/broker_account_revoke.html", context)


def _own(request: PageRequest, pk: int) -> BrokerAccount:
    return get_object_or_404(accounts_of(request.user), pk=pk)


def _form(
    request: PageRequest, template: str, form: NameForm | KeysForm, account: BrokerAccount | None = None
) -> HttpResponse:
    return render(request, template, {"form": form, "account": account}, status=422 if form.is_bound else 200)
