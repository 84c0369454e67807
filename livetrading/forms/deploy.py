"""The form of the Deploy button."""

from django import forms
from django.http import Http404
from django.shortcuts import get_object_or_404

from backtests.models import Candidate
from livetrading.services.deploy import Source
from tradedesk.accounts.models import User


class DeployForm(forms.Form):
    """source: "strategy:12", "backtest:7" or "candidate:31". deploy_key: unique for each press, so that a double
    click deploys once."""

    source = forms.RegexField(r"^(strategy|backtest|candidate):[0-9]{1,18}$")
    deploy_key = forms.CharField(max_length=64)

    def find_source(self, user: User) -> Source:
        """The source of a valid form. Raises Http404 when it does not belong to the user."""
        kind, _, number = self.cleaned_data["source"].partition(":")
        if kind == "strategy":
            return get_object_or_404(user.strategies, pk=int(number))
        if kind == "backtest":
            return get_object_or_404(user.backtests.select_related("strategy"), pk=int(number))
        if kind == "candidate":
            rows = Candidate.objects.filter(run__user=user).select_related("run", "strategy")
            return get_object_or_404(rows, pk=int(number))
        raise Http404
