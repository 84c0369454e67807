"""The forms for uploading bars, and for a range of them."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.import_files import ImportOptions
from tradedesk.marketdata.models import TIMEFRAMES
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

# About 400,000 rows of CSV, which the page imports within seconds. Larger files need manage.py import_bars.
MAX_BYTES = 25 * 1024 * 1024


class UploadForm(forms.Form):
    file = forms.FileField(
        help_text="CSV or other text, Excel (.xlsx), Parquet, JSON, or a ZIP of such files, with a time or date, "
        "open, high, low and close. You see how it is understood before anything is stored.",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.parquet,.xlsx,.json,.jsonl,.gz,.zip"}),
    )
    symbol = forms.CharField(
        max_length=15,
        required=False,
        widget=forms.TextInput(attrs={"autocapitalize": "characters"}),
        help_text="Empty: all symbols that the file names.",
    )
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
    date_order = forms.ChoiceField(
        label="Order of dates",
        choices=[
            ("", "As the file shows"),
            ("mdy", "Month first: 03/05 is March 5"),
            ("dmy", "Day first: 03/05 is May 3"),
        ],
        required=False,
    )
    replace = forms.BooleanField(
        label="Replace stored bars that differ", required=False, help_text="Stored bars at other times stay."
    )
    for_all = forms.BooleanField(
        label="For all users",
        required=False,
        help_text="The strategies of all users without a series of their own trade on these bars.",
    )

    def __init__(self, *args: Any, is_staff: bool, **options: Any) -> None:
        """is_staff: the user may store series for all users."""
        super().__init__(*args, **options)
        if not is_staff:
            del self.fields["for_all"]

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
        symbol: str = self.cleaned_data["symbol"]
        try:
            return clean_symbol(symbol) if symbol.strip() else ""
        except InvalidSymbol as error:
            raise forms.ValidationError(str(error)) from None

    def options(self, user_id: int) -> ImportOptions:
        """Of a valid form: the user's own series, unless it is for all users."""
        values = self.cleaned_data
        return ImportOptions(
            symbol=values["symbol"],
            timeframe=values["timeframe"],
            adjusted=values["adjusted"],
            replace=values["replace"],
            date_order=values["date_order"] or None,
            owner_id=None if values.get("for_all") else user_id,
        )


def _day(label: str) -> forms.DateField:
    picker = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    invalid = {"invalid": "Enter a date such as 2012-03-05."}
    return forms.DateField(label=label, required=False, widget=picker, error_messages=invalid)


class RangeForm(forms.Form):
    """New York days, both included; an empty one is the beginning or the end. required: at least one is given."""

    first, last = _day("From"), _day("To")

    def __init__(self, *args: Any, required: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self._required = required

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = values.get("first"), values.get("last")
        if first and last and first > last:
            self.add_error("last", "This day must not be before the first one.")
        elif self._required and not self.errors and not (first or last):
            self.add_error("first", "Enter the first day, the last day or both.")
        return values

    @property
    def query(self) -> str:
        """The valid days for an address."""
        days = self.cleaned_data if self.is_valid() else {}
        return urlencode({name: day for name, day in days.items() if day})
