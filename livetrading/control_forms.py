"""The forms of Stop trading, Resume and Close, and the fields that say what a form was made for."""

from typing import Any

from django import forms

from livetrading.models import Halt

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
    quantity = forms.DecimalField(
        label="Shares to sell", required=False, min_value=0, max_digits=20, help_text="Empty for all."
    )


class OutsideSaleForm(forms.Form):
    price = forms.DecimalField(label="Price of a share", min_value=0, max_digits=20, help_text="Dollars.")
