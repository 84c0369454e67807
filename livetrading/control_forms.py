"""The forms of Stop trading, Resume, Close and the replay, and the fields that say what a form was made for."""

from decimal import Decimal
from typing import Any

from django import forms

from livetrading.models import Halt
from livetrading.models.order import OrderType, TimeInForce
from livetrading.models.signal import OrderSide
from livetrading.pipeline.tickets import TIMES, Problem, Ticket

# The hidden field with the mode that the page showed, in every form that trades or changes trading.
SHOWN_MODE = "shown_mode"
# The active account of that mode, in the forms that act on whichever is the active one.
SHOWN_ACCOUNT = "shown_account"


class HaltForm(forms.Form):
    """confirmed: to flatten, the box must be ticked."""

    action = forms.ChoiceField(choices=Halt.Action)
    confirmed = forms.BooleanField(required=False)
    reason = forms.CharField(max_length=300, required=False)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        if values.get("action") == Halt.Action.FLATTEN and not values.get("confirmed"):
            self.add_error("confirmed", "Tick “Yes, sell everything” to flatten the account.")
        return values


class CloseForm(forms.Form):
    """order_key: unique for each sale, so that a double press sells once."""

    TYPES = (OrderType.MARKET, OrderType.LIMIT)

    order_key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    quantity = forms.DecimalField(
        label="Shares to sell", required=False, min_value=0, max_digits=20, help_text="Empty for all."
    )
    type = forms.ChoiceField(
        label="Order type", required=False, choices=[(each.value, each.label) for each in TYPES]
    )
    price = forms.DecimalField(
        label="Limit price", required=False, max_digits=20, help_text="The least that a share is sold for."
    )
    time_in_force = forms.ChoiceField(
        label="Good for", required=False, choices=[(each.value, each.label) for each in TIMES]
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        if self.is_limit() and values.get("price") is None and "price" not in self.errors:
            self.add_error("price", "A limit order needs its price.")
        return values

    def is_limit(self) -> bool:
        return self.cleaned_data.get("type") == OrderType.LIMIT

    def ticket(self, symbol: str, all_shares: Decimal) -> Ticket:
        """Of a valid form with a limit price."""
        values = self.cleaned_data
        return Ticket(
            symbol=symbol,
            side=OrderSide.SELL,
            type=OrderType.LIMIT,
            shares=all_shares if values["quantity"] is None else values["quantity"],
            limit_price=values["price"],
            time_in_force=values["time_in_force"] or TimeInForce.DAY,
        )

    def add_problems(self, problems: list[Problem]) -> None:
        for problem in problems:
            field = "price" if problem.field == "limit_price" else problem.field
            self.add_error(field if field in self.fields else None, str(problem))


class OutsideSaleForm(forms.Form):
    price = forms.DecimalField(label="Price of a share", min_value=0, max_digits=20, help_text="Dollars.")


class JumpForm(forms.Form):
    day = forms.DateField(label="Date", widget=forms.DateInput(attrs={"type": "date"}))


class RestartForm(forms.Form):
    """confirm: the word, where something is deleted."""

    start = forms.DateField(
        label="First day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty for the desk's usual first day.",
    )
    confirm = forms.CharField(
        label="Type RESTART", required=False, max_length=20, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class ResetPaperForm(forms.Form):
    balance = forms.DecimalField(label="New balance ($)", max_digits=20)
    confirmed = forms.BooleanField(
        label="Yes, archive all of this and start again.",
        error_messages={"required": "Tick the box: this cannot be taken back."},
    )

    @classmethod
    def starting_with(cls, balance: Decimal) -> "ResetPaperForm":
        return cls(initial={"balance": f"{balance.normalize():f}"})
