"""The form of a strategy as the preview reads it: without its name, with the symbol and the timeframe to show."""

from typing import Any

from django import forms
from django.http import QueryDict

from strategies.forms import StrategyForm, TextField
from strategies.kinds import Kind, make_kind, plugin_of
from strategies.services import InvalidStrategy, clean_symbols
from tradedesk.marketdata.models import TIMEFRAMES
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

UNNAMED = "Preview"


class PreviewForm(StrategyForm):
    """preview_timeframe: "" for that of the strategy. A kind of a plugin is not made: no page runs its code."""

    preview_symbol = TextField(required=False)
    preview_timeframe = forms.ChoiceField(required=False, choices=[("", ""), *TIMEFRAMES])

    def __init__(self, data: QueryDict) -> None:
        super().__init__({**data.dict(), "name": UNNAMED})

    def clean(self) -> None:
        if self.is_plugin:
            try:
                self.cleaned_data["symbols"] = clean_symbols(self.cleaned_data.get("symbols", ""))
            except InvalidStrategy as refusal:
                self._add_errors(refusal)
        else:
            super().clean()
        if symbol := self.cleaned_data.get("preview_symbol", ""):
            try:
                self.cleaned_data["preview_symbol"] = clean_symbol(symbol[:40])
            except InvalidSymbol as refusal:
                self.add_error("preview_symbol", str(refusal))

    @property
    def is_plugin(self) -> bool:
        return plugin_of(self.selected_kind.key) is not None

    def wanted(self) -> dict[str, Any]:
        """What a valid form asks for."""
        values = self.cleaned_data
        kind: Kind | None = None
        symbols = values["symbols"]
        if self.values is not None:
            kind, symbols = make_kind(self.values["kind"], self.values["parameters"]), self.values["symbols"]
        return {
            "kind": kind,
            "symbols": symbols,
            "symbol": values["preview_symbol"],
            "timeframe": values["preview_timeframe"] or values["timeframe"],
        }

    def messages(self) -> dict[str, str]:
        """The first error of each field; "" has those of the whole form."""
        return {("" if name == "__all__" else name): str(found[0]) for name, found in self.errors.items()}
