"""The form for uploading bars."""

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.models import TIMEFRAMES
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

# About 400,000 rows of CSV, which the page imports within seconds. Larger files need manage.py import_bars.
MAX_BYTES = 25 * 1024 * 1024


class UploadForm(forms.Form):
    file = forms.FileField(
        help_text="CSV or Parquet with time (or date), open, high, low, close and volume, oldest row first. "
        "Times without a zone are New York time.",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.parquet"}),
    )
    symbol = forms.CharField(max_length=15, widget=forms.TextInput(attrs={"autocapitalize": "characters"}))
    timeframe = forms.ChoiceField(choices=TIMEFRAMES, initial=Timeframe.DAY.value)
    adjusted = forms.TypedChoiceField(
        label="Prices",
        choices=[
            ("yes", "Already adjusted for splits"),
            ("no", "Not adjusted: adjust with the column Adj Close if the file has one"),
        ],
        initial="yes",
        coerce=lambda choice: choice == "yes",
    )
    replace = forms.BooleanField(
        label="Replace stored bars that differ", required=False, help_text="Stored bars at other times stay."
    )

    def clean_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        size = file.size or 0
        if size > MAX_BYTES:
            raise forms.ValidationError(
                f"The file has {filesizeformat(size)}. This page accepts up to {filesizeformat(MAX_BYTES)}. "
                "Import larger files with manage.py import_bars."
            )
        return file

    def clean_symbol(self) -> str:
        try:
            return clean_symbol(self.cleaned_data["symbol"])
        except InvalidSymbol as error:
            raise forms.ValidationError(str(error)) from None
