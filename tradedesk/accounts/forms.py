"""Forms of a user's own pages."""

from datetime import date, timedelta
from typing import Any

from django import forms

from tradedesk.accounts.models import ApiToken
from tradedesk.audit.actions import CHOICES
from tradedesk.core.names import name_problem

# Days that every database and time zone can compute with.
FIRST_YEAR, LAST_YEAR = 1970, 2999
LIVES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year"}


class TokenForm(forms.Form):
    """A new token of the API. life: days in the form, a timedelta when it is clean."""

    name = forms.CharField(max_length=60, label="Name", help_text="What will use it, such as “Grafana”.")
    scope = forms.ChoiceField(
        choices=ApiToken.Scope,
        label="Access",
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


class AuditFilters(forms.Form):
    """What the list of a user's records shows."""

    action = forms.ChoiceField(required=False, choices=[("", "All"), *CHOICES])
    since = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))

    @property
    def is_active(self) -> bool:
        """Whether any filter has a value, valid or not."""
        return any(self.data.get(name) for name in self.fields)

    def values(self) -> dict[str, Any]:
        """The arguments of `filtered`, without invalid filters."""
        return {name: self.cleaned_data[name] for name in self.fields if self.cleaned_data.get(name)}

    def clean_since(self) -> date | None:
        return self._day("since")

    def clean_until(self) -> date | None:
        return self._day("until")

    def _day(self, name: str) -> date | None:
        day: date | None = self.cleaned_data[name]
        if day and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise forms.ValidationError(f"Enter a date between {FIRST_YEAR} and {LAST_YEAR}.")
        return day
