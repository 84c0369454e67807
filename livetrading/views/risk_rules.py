"""The page of the account rules: add, change, switch, move and delete them; and the sectors of symbols."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from livetrading.forms import RuleForm, SectorsForm
from livetrading.models import AccountRule
from livetrading.models.account_rule_kinds import KINDS
from livetrading.services import account_rules as rules
from livetrading.services.accounts import NoBroker, active_account
from livetrading.services.sectors import save_sectors
from livetrading.summaries.account import find_account
from livetrading.summaries.risk_rules import read_risk_rules
from livetrading.views.shown_mode import in_shown_mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import market_clock

PAGE = "livetrading:risk_rules"


@require_safe
@vary_on_headers("HX-Request")
def risk_rules(request: PageRequest) -> HttpResponse:
    return _page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def sectors(request: PageRequest) -> HttpResponse:
    """Save the sectors of the user's symbols. A refused form is shown at this address, so its reload and the
    buttons of the top bar come back here."""
    if request.method != "POST":
        return redirect(PAGE)
    form = SectorsForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    save_sectors(request.user, form.cleaned_data["sectors"], timezone.now())
    messages.success(request, "The sectors are saved.")
    return redirect(PAGE)


@require_POST
@in_shown_mode
def open_account(request: PageRequest) -> HttpResponse:
    """Open the paper account, with the rules of a new account."""
    try:
        active_account(request.user.pk, request.user.mode, timezone.now())
    except NoBroker as error:
        messages.error(request, str(error))
    return redirect(PAGE)


@require_http_methods(["GET", "HEAD", "POST"])
@in_shown_mode
def add(request: PageRequest, kind: str) -> HttpResponse:
    account = find_account(request.user, request.user.mode)
    if account is None or kind not in KINDS:
        raise Http404
    form = RuleForm(KINDS[kind], request.POST or None)
    if form.is_valid() and form.settings is not None:
        try:
            rules.add_rule(account, form.settings, request.user, timezone.now())
        except rules.RuleRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"The rule “{KINDS[kind].label}” is added.")
            return redirect(PAGE)
    return _form(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@in_shown_mode
def edit(request: PageRequest, pk: int) -> HttpResponse:
    rule = _own(request, pk)
    form = RuleForm(rule.declared, request.POST or None, initial=RuleForm.initial_of(rule))
    if form.is_valid() and form.settings is not None:
        rules.change_rule(rule, form.settings, request.user, timezone.now())
        messages.success(request, f"The rule “{rule}” is changed.")
        return redirect(PAGE)
    return _form(request, form)


@require_POST
@in_shown_mode
def switch(request: PageRequest, pk: int, enabled: bool) -> HttpResponse:
    rules.switch_rule(_own(request, pk), enabled, request.user, timezone.now())
    return redirect(PAGE)


@require_POST
@in_shown_mode
def move(request: PageRequest, pk: int, steps: int) -> HttpResponse:
    """steps: -1 for up, 1 for down."""
    rules.move_rule(_own(request, pk), steps, request.user, timezone.now())
    return redirect(PAGE)


@require_http_methods(["GET", "HEAD", "POST"])
@in_shown_mode
def delete(request: PageRequest, pk: int) -> HttpResponse:
    rule = _own(request, pk)
    if request.method == "POST":
        rules.delete_rule(rule, request.user, timezone.now())
        messages.success(request, f"The rule “{rule}” is deleted.")
        return redirect(PAGE)
    return render(request, "livetrading/risk_rule_delete.html", {"rule": rule})


def _own(request: PageRequest, pk: int) -> AccountRule:
    own = AccountRule.objects.filter(account__user=request.user, kind__in=KINDS).select_related("account__user")
    return get_object_or_404(own, pk=pk)


def _page(request: PageRequest, form: SectorsForm | None, status: int = 200) -> HttpResponse:
    user = request.user
    account = find_account(user, user.mode)
    context = {
        "account": account,
        "risk": read_risk_rules(account, market_clock().now()) if account else None,
    }
    if request.htmx:
        return render(request, "livetrading/_risk_rules.html", context)
    if form is None:
        lines = (f"{row.symbol}: {row.sector}" for row in user.symbol_sectors.all())
        form = SectorsForm(initial={"sectors": "\n".join(lines)})
    return render(request, "livetrading/risk_rules.html", context | {"form": form}, status=status)


def _form(request: PageRequest, form: RuleForm) -> HttpResponse:
    status = 422 if form.is_bound else 200
    return render(request, "livetrading/risk_rule_form.html", {"form": form, "kind": form.kind}, status=status)
