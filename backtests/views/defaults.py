"""The settings page of a trader's own defaults for backtests."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from backtests.forms import DefaultsForm
from backtests.services import InvalidBacktest
from backtests.services.defaults import defaults_of, save_defaults
from tradedesk.accounts.requests import PageRequest

TEMPLATE = "backtests/defaults.html"


@require_http_methods(["GET", "HEAD", "POST"])
def backtest_defaults(request: PageRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, TEMPLATE, {"form": DefaultsForm(initial=defaults_of(request.user))})
    form = DefaultsForm(request.POST)
    if form.is_valid():
        try:
            save_defaults(request.user, **form.values())
        except InvalidBacktest as refusal:
            form.add_errors(refusal.errors)
        else:
            messages.success(request, "Saved. New backtests and optimizer runs start with these values.")
            return redirect("backtests:defaults")
    return render(request, TEMPLATE, {"form": form}, status=422)
