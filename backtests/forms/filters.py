"""The filters of a list, and those of the list of backtests."""

from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from backtests.forms.fields import DayField, offer_newest
from backtests.models import Backtest
from strategies.kinds import kinds
from strategies.models import Strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


class ListFilters(forms.Form):
    """A symbol, two days, and what a subclass adds. An invalid filter shows its error and is ignored; the valid
    filters apply. FILTERS: the names of the fields that narrow the list, in their order."""

    symbol = forms.CharField(
        required=False,
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )
    since = DayField("From", required=False)
    until = DayField("To", required=False)

    FILTERS: tuple[str, ...] = ()

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, auto_id="filter_%s", field_order=self.FILTERS)

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

    def valid_filters(self) -> dict[str, Any]:
        """The filters without the invalid ones."""
        return {name: self.cleaned_data[name] for name in self.FILTERS if name in self.cleaned_data}

    def _day(self, name: str) -> date | None:
        day: date | None = self.cleaned_data[name]
        if day and not FIRST_DAY <= day <= LAST_DAY:
            raise forms.ValidationError(f"Enter a date between {FIRST_DAY} and {LAST_DAY}.")
        return day


class BacktestFilters(ListFilters):
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
    since = DayField("Created from", required=False)
    until = DayField("Created to", required=False)
    profitable = forms.BooleanField(required=False, label="Profitable only")
    sort = forms.CharField(required=False, widget=forms.HiddenInput)

    FILTERS = ("q", "strategy", "kind", "status", "symbol", "since", "until", "profitable")

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101 - declared so above; for the type checker
        offer_newest(self.fields["strategy"], user.strategies.all(), data.get("strategy", ""))
        kind.choices = [("", "All"), *((key, found.name) for key, found in kinds().items())]

    def values(self) -> dict[str, Any]:
        """The arguments of filter_backtests, without invalid filters."""
        values = self.valid_filters()
        text, strategy = values.pop("q", ""), values.pop("strategy", None)
        return values | {"text": text, "strategy_id": strategy.pk if strategy else None}
