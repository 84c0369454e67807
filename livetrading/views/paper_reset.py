"""Reset the paper account, after a confirmation that says with numbers what it does."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from livetrading.control_forms import ResetPaperForm
from livetrading.services.reset import NotReset, planned_reset, reset_paper
from livetrading.summaries.archives import paper_archives
from livetrading.views.shown_mode import in_shown_mode
from tradedesk.accounts.requests import PageRequest
from tradedesk.marketdata.clock import read_clocks


@require_http_methods(["GET", "HEAD", "POST"])
@in_shown_mode
def reset(request: PageRequest) -> HttpResponse:
    plan = planned_reset(request.user)
    form = ResetPaperForm(request.POST) if request.method == "POST" else ResetPaperForm.starting_with(plan.balance)
    if request.method == "POST" and form.is_valid():
        now, wall_now = read_clocks()
        try:
            balance = form.cleaned_data["balance"]
            done = reset_paper(request.user, now, wall_now, by=request.user, balance=balance)
            messages.success(request, f"The paper account starts again with ${done.balance:,.2f}.")
            return redirect("livetrading:brokers")
        except NotReset as refusal:
            form.add_error("balance" if plan.accounts else None, str(refusal))
    context = {"form": form, "plan": plan, "archives": paper_archives(request.user)}
    return render(request, "livetrading/reset_paper.html", context, status=422 if form.errors else 200)
