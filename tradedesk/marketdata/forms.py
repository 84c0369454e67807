"""The form that takes a trader's own bars."""

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.models import TIMEFRAMES
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

# About 400,000 rows of CSV: a page answers within seconds. Larger files go through manage.py import_bars.
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
            ("yes", "Adjusted for splits already"),
            ("no", "Not adjusted: use the column Adj Close if there is one"),
        ],
        initial="yes",
        coerce=lambda choice: choice == "yes",
    )
    replace = forms.BooleanField(
        label="Replace stored bars that differ", required=False, help_text="Stored bars outside the file stay."
    )

    def clean_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        size = file.size or 0
        if size > MAX_BYTES:
            raise forms.ValidationError(
                f"The file has {filesizeformat(size)}, this page takes up to {filesizeformat(MAX_BYTES)}. "
                "Import larger files with manage.py import_bars."
            )
        return file

    def clean_symbol(self) -> str:
        try:
            return clean_symbol(self.cleaned_data["symbol"])
        except InvalidSymbol as error:
            raise forms.ValidationError(str(error)) from None
