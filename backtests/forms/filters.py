"""The filters of the list of backtests."""

from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from backtests.forms.fields import DayField
from backtests.models import Backtest
from strategies.kinds import kinds
from strategies.models import Strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


def _days(label: str) -> DayField:
    return DayField(label, required=False)


class BacktestFilters(forms.Form):
    """An invalid filter shows its error and is ignored; the valid filters apply."""

    q = forms.CharField(
        required=False,
        max_length=100,
        label="Search",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, kind or symbol"}),
    )
    strategy: forms.ModelChoiceField[Strategy] = forms.ModelChoiceField(
        Strategy.objects.none(),
        required=False,
        empty_label="All",
        error_messages={"invalid_choice": "Select one of your strategies."},
    )
    kind = forms.ChoiceField(required=False)
    status = forms.ChoiceField(required=False, choices=[("", "All"), *Backtest.Status.choices])
    symbol = forms.CharField(
        required=False,
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )
    since = _days("Created from")
    until = _days("Created to")
    profitable = forms.BooleanField(required=False, label="Profitable only")
    sort = forms.CharField(required=False, widget=forms.HiddenInput)

    FILTERS = ("q", "strategy", "kind", "status", "symbol", "since", "until", "profitable")

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data, auto_id="filter_%s")
        strategy, kind = self.fields["strategy"], self.fields["kind"]
        assert isinstance(strategy, forms.ModelChoiceField)  # noqa: S101 - declared so above; for the type checker
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101 - declared so above; for the type checker
        strategy.queryset = user.strategies.all()
        kind.choices = [("", "All"), *((key, found.name) for key, found in kinds().items())]

    @property
    def is_active(self) -> bool:
        """Whether any filter has a value, valid or not."""
        return any(self.data.get(name) for name in self.FILTERS)

    def clean_symbol(self) -> str:
        typed: str = self.cleaned_data["symbol"]
        try:
            return clean_symbol(typed) if typed else ""
        except InvalidSymbol as refusal:
            raise forms.ValidationError(str(refusal)) from None

    def clean_since(self) -> date | None:
        return self._day("since")

    def clean_until(self) -> date | None:
        return self._day("until")

    def values(self) -> dict[str, Any]:
        """The arguments of filter_backtests, without invalid filters."""
        values = {name: self.cleaned_data[name] for name in self.FILTERS if name in self.cleaned_data}
        text, strategy = values.pop("q", ""), values.pop("strategy", None)
        return values | {"text": text, "strategy_id": strategy.pk if strategy else None}

    def _day(self, name: str) -> date | None:
        day: date | None = self.cleaned_data[name]
        if day and not FIRST_DAY <= day <= LAST_DAY:
            raise forms.ValidationError(f"Enter a date between {FIRST_DAY} and {LAST_DAY}.")
        return day
