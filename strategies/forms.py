"""The form of a strategy, with a field for each parameter that its kind declares.

The fields only parse the input; the service validates it, so that pages and API give the same messages.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.urls import reverse

from strategies.kinds import Choice, Kind, Param, kinds
from strategies.models import Strategy
from strategies.services import (
    MAX_SYMBOLS,
    NAME_LENGTH,
    InvalidStrategy,
    StrategyValues,
    clean_strategy,
    save_strategy,
)
from tradedesk.accounts.models import User
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.models import TIMEFRAMES

DEFAULT_KIND = "sma_crossover"
PREFIX = "param_"


class TextField(forms.CharField):
    """Passes the text on unchanged; the service validates it."""

    def validate(self, value: str) -> None:
        pass


class ParamField(forms.Field):
    """A declared parameter as a number input with its bounds; the kind validates the value."""

    def __init__(self, param: Param[Any]) -> None:
        bounds = f"{param.low:g} to {param.high:g}"
        super().__init__(
            label=param.label,
            initial=_number_text(param.default),
            help_text=f"{param.help.rstrip('.')}. {bounds}." if param.help else f"{bounds}.",
            widget=forms.NumberInput(
                attrs={
                    "min": param.low,
                    "max": param.high,
                    "step": param.step,
                    "inputmode": "numeric" if param.is_integer else "decimal",
                }
            ),
        )

    def to_python(self, value: Any) -> Any:
        try:
            return float(value)
        except (TypeError, ValueError):
            return value

    def validate(self, value: Any) -> None:
        pass


class ChoiceParamField(forms.TypedChoiceField):
    """A declared choice as a select of its labels; the kind validates the value."""

    def __init__(self, param: Choice) -> None:
        super().__init__(
            label=param.label,
            initial=param.default,
            help_text=param.help,
            choices=list(enumerate(param.options.values())),
            coerce=int,
            required=False,
        )

    def validate(self, value: Any) -> None:
        pass


class StrategyForm(forms.Form):
    """Name, kind, symbols, timeframe and the parameters of one kind, as fields `param_<name>`.

    The kind is the one in the data, else `kind`, else the strategy's own. `shown_kind` is the kind whose
    parameters the page showed; it differs from `kind` after the kind was changed without JavaScript.
    """

    name = TextField(
        widget=forms.TextInput(attrs={"maxlength": NAME_LENGTH, "autocomplete": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(
        widget=forms.Select(
            attrs={
                "autocomplete": "off",
                "hx-target": "#kind-fields",
                "hx-swap": "innerHTML",
                "hx-sync": "this:replace",
            }
        )
    )
    timeframe = forms.ChoiceField(
        choices=TIMEFRAMES, initial=Timeframe.DAY.value, help_text="The length of one bar."
    )
    symbols = TextField(
        required=False,
        help_text=f"Separated by commas or spaces, at most {MAX_SYMBOLS}.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )
    shown_kind = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        kind: str = "",
        strategy: Strategy | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        key = data.get("kind", "") if data is not None else kind or (strategy.kind if strategy else "")
        self.selected_kind: type[Kind] = kinds().get(key) or kinds()[DEFAULT_KIND]
        selection = {"kind": self.selected_kind.key, "shown_kind": self.selected_kind.key}
        stored = _stored_values(strategy, self.selected_kind)
        super().__init__(data, initial=stored | selection | dict(initial or {}))
        self.strategy = strategy
        self.values: StrategyValues | None = None
        self.fields["kind"].choices = [(key, found.name) for key, found in kinds().items()]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["kind"].widget.attrs["hx-get"] = (
            reverse("strategies:edit", args=[strategy.pk]) if strategy else reverse("strategies:new")
        )
        for name, param in self.selected_kind.params().items():
            self.fields[PREFIX + name] = (
                ChoiceParamField(param) if isinstance(param, Choice) else ParamField(param)
            )

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(PREFIX)]

    @property
    def kind_changed(self) -> bool:
        """Whether the selected kind is not the one whose parameters were sent; then nothing can be saved."""
        shown, selected = self.data.get("shown_kind"), self.data.get("kind")
        return bool(shown) and selected in kinds() and shown != selected

    def with_new_kind(self) -> "StrategyForm":
        """An unsent form with the same input and the parameter fields of the selected kind."""
        kept = {name: self.data.get(name, "") for name in ("name", "symbols", "timeframe")}
        return StrategyForm(kind=self.selected_kind.key, strategy=self.strategy, initial=kept)

    def clean(self) -> None:
        values = self.cleaned_data
        parameters = {name: values[PREFIX + name] for name in self.selected_kind.params()}
        try:
            self.values = clean_strategy(
                name=values.get("name", ""),
                kind=self.selected_kind.key,
                parameters=parameters,
                symbols=values.get("symbols", ""),
                timeframe=values.get("timeframe", ""),
            )
        except InvalidStrategy as error:
            self._add_errors(error)

    def save(self, user: User) -> Strategy | None:
        """Save the strategy for `user`. None when it is invalid; the errors are then at their fields."""
        if not self.is_valid() or self.values is None:
            return None
        try:
            return save_strategy(user, **self.values, strategy=self.strategy)
        except InvalidStrategy as error:
            self._add_errors(error)
            return None

    def _add_errors(self, error: InvalidStrategy) -> None:
        """Add each message to its field, unless the field already has an error."""
        for key, message in error.errors.items():
            field = key.replace("parameters.", PREFIX, 1)
            if field not in self.fields:
                self.add_error(None, message)
            elif field not in self.errors:
                self.add_error(field, message)


def _stored_values(strategy: Strategy | None, kind: type[Kind]) -> dict[str, Any]:
    """The strategy's values as the fields show them, with parameters only when it is of this kind."""
    if strategy is None:
        return {}
    parameters = strategy.parameters if strategy.kind == kind.key else {}
    return {
        "name": strategy.name,
        "symbols": ", ".join(strategy.symbols),
        "timeframe": strategy.timeframe,
        **{PREFIX + name: _number_text(value) for name, value in parameters.items()},
    }


def _number_text(value: float) -> str:
    """A number as a person types it: 30, not 30.0."""
    return f"{value:.15g}"
