"""The forms of account rules, made from the declared kinds, and of the sectors of symbols."""

import re
from typing import Any

from django import forms

from backtests.forms.fields import FIELDS
from livetrading.models import AccountRule
from livetrading.models.account_rule_kinds import RuleKind, Values
from livetrading.services.account_rules import RuleRefused, RuleSettings
from livetrading.services.sectors import SectorsRefused, clean_sectors

KEEP, FLATTEN = "keep", "flatten"
_POSITIONS = [(KEEP, "Keep them, with their stops and targets"), (FLATTEN, "Sell them all at the market")]


class RuleForm(forms.Form):
    """The fields of one kind. A valid form has `settings`; what the service refuses is at its field."""

    enabled = forms.BooleanField(label="Switched on", required=False, initial=True)

    def __init__(self, kind: RuleKind, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.kind = kind
        self.settings: RuleSettings | None = None
        self.fields = _fields(kind) | self.fields

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if self.errors:
            return values
        try:
            self.settings = RuleSettings(
                kind=self.kind.key,
                limit=values.get("limit"),
                symbols=re.split(r"[\s,;]+", values.get("symbols", "").strip(" ,;\n\r\t"))
                if values.get("symbols")
                else [],
                window_start=values.get("window_start"),
                window_end=values.get("window_end"),
                flatten=values.get("positions") == FLATTEN,
                enabled=values["enabled"],
            )
        except RuleRefused as refusal:
            for name, message in refusal.errors.items():
                self.add_error(name if name in self.fields else None, message)
        return values

    @staticmethod
    def initial_of(rule: AccountRule) -> dict[str, Any]:
        return {
            "limit": None if rule.limit is None else float(rule.limit),
            "symbols": ", ".join(rule.symbols),
            "window_start": rule.window_start,
            "window_end": rule.window_end,
            "positions": FLATTEN if rule.flatten else KEEP,
            "enabled": rule.enabled,
        }


class SectorsForm(forms.Form):
    """One line for each symbol: "AAPL: Technology". A valid form has the sectors in `cleaned_data["sectors"]`."""

    sectors = forms.CharField(
        label="Sectors",
        required=False,
        max_length=30_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "placeholder": "AAPL: Technology"}),
        help_text="One symbol in a line, a colon, and its sector.",
    )

    def clean_sectors(self) -> dict[str, str]:
        try:
            return clean_sectors(self.cleaned_data["sectors"])
        except SectorsRefused as refusal:
            raise forms.ValidationError(str(refusal)) from None


def _fields(kind: RuleKind) -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = {}
    if kind.values is Values.LIMIT:
        field, unit = FIELDS[kind.unit]
        limit = {"initial": kind.default, "help_text": kind.help, "required": True}
        fields["limit"] = field(f"Limit{unit}", kind.low * field.scale, kind.high * field.scale, **limit)
    elif kind.values is Values.SYMBOLS:
        text = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})
        fields["symbols"] = forms.CharField(label="Symbols", max_length=4_000, widget=text, help_text=kind.help)
    else:
        fields["window_start"] = _time("From (New York)", kind.help)
        fields["window_end"] = _time("Until (New York)", "A time before the first one is on the next day.")
    if kind.stops:
        fields["positions"] = forms.ChoiceField(
            label="Open positions when it is reached",
            choices=_POSITIONS,
            initial=KEEP,
            widget=forms.RadioSelect,
            help_text="Entries are stopped and entry orders cancelled in any case.",
        )
    return fields


def _time(label: str, help_text: str) -> forms.TimeField:
    picker = forms.TimeInput(format="%H:%M", attrs={"type": "time"})
    formats = ["%H:%M", "%H:%M:%S"]
    errors = {"invalid": "Enter a time such as 09:30."}
    return forms.TimeField(
        label=label, widget=picker, input_formats=formats, help_text=help_text, error_messages=errors
    )
