"""The form for downloading bars."""

from typing import Any

from django import forms

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.feeds.alpaca import FIRST
from tradedesk.marketdata.models import TIMEFRAMES


class DownloadForm(forms.Form):
    symbols = forms.CharField(
        max_length=600,
        widget=forms.TextInput(
            attrs={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text="One or several, such as AAPL, MSFT. At most 50.",
    )
    timeframe = forms.ChoiceField(
        choices=TIMEFRAMES,
        initial=Timeframe.DAY.value,
        help_text="Hours are made from 15 minutes, weeks and months from days.",
    )
    start = forms.DateField(
        label="From",
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": "Enter a date such as 2020-01-02."},
        help_text=f"Empty: all that there is, from {FIRST:%Y} on at the earliest.",
    )
    keep = forms.BooleanField(
        label="Keep up to date",
        required=False,
        initial=True,
        help_text="Downloads it again after each session.",
    )

    def symbol_list(self) -> list[str]:
        """Of a valid form."""
        text: str = self.cleaned_data["symbols"]
        return text.replace(",", " ").split()

    def clean_symbols(self) -> Any:
        text: str = self.cleaned_data["symbols"]
        if "\0" in text:
            raise forms.ValidationError("This is not a symbol.")
        return text
