"""The filters of the signals page."""

from typing import Any

from django import forms
from django.http import QueryDict

from backtests.forms.fields import offer_newest
from backtests.forms.filters import ListFilters
from livetrading.models import LiveStrategy
from livetrading.models.decision_code import DecisionCode
from livetrading.models.signal import OrderSide
from tradedesk.accounts.models import User

# The codes that a signal can have; the others are of bars without a signal to act on.
SIGNAL_CODES = [
    (code.value, code.label)
    for code in DecisionCode
    if code not in (DecisionCode.HOLD, DecisionCode.SUPERSEDED, DecisionCode.NO_NEW_BAR, DecisionCode.NO_BARS)
]


class SignalFilters(ListFilters):
    strategy: forms.ModelChoiceField[LiveStrategy] = forms.ModelChoiceField(
        LiveStrategy.objects.none(),
        required=False,
        empty_label="All",
        error_messages={"invalid_choice": "Select one of your live strategies."},
    )
    side = forms.ChoiceField(required=False, choices=[("", "All"), *OrderSide.choices])
    code = forms.ChoiceField(required=False, label="Outcome", choices=[("", "All"), *SIGNAL_CODES])
    unheld = forms.BooleanField(required=False, label="Show sells of symbols that are not held")

    FILTERS = ("strategy", "symbol", "side", "code", "since", "until", "unheld")

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data)
        offer_newest(self.fields["strategy"], user.live_strategies.all(), data.get("strategy", ""))

    def values(self) -> dict[str, Any]:
        """The arguments of filter_signals, without invalid filters."""
        values = self.valid_filters()
        strategy = values.pop("strategy", None)
        return values | {"strategy_id": strategy.pk if strategy else None}
