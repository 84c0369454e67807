"""Forms of a user's own pages."""

from datetime import timedelta

from django import forms

from tradedesk.accounts.models import ApiToken
from tradedesk.core.names import name_problem

LIVES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year"}


class TokenForm(forms.Form):
    """A new token of the API. life: days in the form, a timedelta when it is clean."""

    name = forms.CharField(max_length=60, label="Name", help_text="What will use it, such as “Grafana”.")
    scope = forms.ChoiceField(
        choices=ApiToken.Scope,
        label="May",
        initial=ApiToken.Scope.READ,
        help_text="A token that may only read cannot deploy, stop or change anything.",
    )
    life = forms.ChoiceField(choices=list(LIVES.items()), label="Valid for", initial="90")

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if problem := name_problem(name):
            raise forms.ValidationError(problem)
        return name

    def clean_life(self) -> timedelta:
        return timedelta(days=int(self.cleaned_data["life"]))
