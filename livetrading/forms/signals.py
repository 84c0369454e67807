"""The filters of the signals page."""

from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from backtests.forms.fields import DayField
from backtests.forms.filters import FIRST_DAY, LAST_DAY
from livetrading.models import LiveStrategy
from livetrading.models.decision_code import DecisionCode
from livetrading.models.signal import OrderSide
from tradedesk.accounts.models import User
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

# The codes that a signal can have; the others are of bars without a signal to act on.
SIGNAL_CODES = [
    (code.value, code.label)
    for code in DecisionCode
    if code not in (DecisionCode.HOLD, DecisionCode.SUPERSEDED, DecisionCode.NO_NEW_BAR, DecisionCode.NO_BARS)
]


class SignalFilters(forms.Form):
    """An invalid filter shows its error and is ignored; the valid filters apply."""

    strategy: forms.ModelChoiceField[LiveStrategy] = forms.ModelChoiceField(
        LiveStrategy.objects.none(),
        required=False,
        empty_label="All",
        error_messages={"invalid_choice": "Select one of your live strategies."},
    )
    symbol = forms.CharField(
        required=False,
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )
    side = forms.ChoiceField(required=False, choices=[("", "All"), *OrderSide.choices])
    code = forms.ChoiceField(required=False, label="Outcome", choices=[("", "All"), *SIGNAL_CODES])
    since = DayField("From", required=False)
    until = DayField("To", required=False)
    unheld = forms.BooleanField(required=False, label="Show sells of symbols that are not held")

    FILTERS = ("strategy", "symbol", "side", "code", "since", "until", "unheld")

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data, auto_id="filter_%s")
        strategy = self.fields["strategy"]
        assert isinstance(strategy, forms.ModelChoiceField)  # noqa: S101 - declared so above; for the type checker
        strategy.queryset = user.live_strategies.all()

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
        """The arguments of filter_signals, without invalid filters."""
        values = {name: self.cleaned_data[name] for name in self.FILTERS if name in self.cleaned_data}
        strategy = values.pop("strategy", None)
        return values | {"strategy_id": strategy.pk if strategy else None}

    def _day(self, name: str) -> date | None:
        day: date | None = self.cleaned_data[name]
        if day and not FIRST_DAY <= day <= LAST_DAY:
            raise forms.ValidationError(f"Enter a date between {FIRST_DAY} and {LAST_DAY}.")
        return day
