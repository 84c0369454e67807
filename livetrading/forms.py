"""What the Deploy button posts."""

from django import forms
from django.http import Http404
from django.shortcuts import get_object_or_404

from backtests.models import Backtest
from strategies.models import Strategy
from tradedesk.accounts.models import User


class DeployForm(forms.Form):
    """source: "strategy:12" or "backtest:7". deploy_key: one per press, so that a double click deploys once."""

    source = forms.RegexField(r"^(strategy|backtest):[0-9]{1,18}$")
    deploy_key = forms.CharField(max_length=64)

    def find_source(self, user: User) -> Strategy | Backtest:
        """Of a valid form. Raises Http404 for what is not the user's."""
        noun, _, number = self.cleaned_data["source"].partition(":")
        if noun == "strategy":
            return get_object_or_404(user.strategies, pk=int(number))
        if noun == "backtest":
            return get_object_or_404(user.backtests.select_related("strategy"), pk=int(number))
        raise Http404
