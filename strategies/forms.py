"""The form of a strategy, generated from the parameters that its kind declares.

The fields only read what was typed; the service decides, so that a page and the API refuse with the same words.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.urls import reverse

from strategies.kinds import Kind, Param, kinds
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
    """Hands on what was typed, empty or not; the service refuses it."""

    def validate(self, value: str) -> None:
        pass


class ParamField(forms.Field):
    """A declared parameter as a number input with its bounds. The kind refuses what is no number."""

    def __init__(self, param: Param[Any]) -> None:
        bounds = f"{param.low:g} to {param.high:g}"
        super().__init__(
            label=param.label,
            initial=_written(param.default),
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


class StrategyForm(forms.Form):
    """Name, kind, symbols, timeframe and the parameters of one kind, as fields `param_<name>`.

    The kind is that of the data, else `kind`, else the strategy's own. `shown_kind` says for which kind the
    parameters were drawn: a form that is sent with another kind chosen asks for that kind's fields.
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
        asked = data.get("kind", "") if data is not None else kind or (strategy.kind if strategy else "")
        self.chosen_kind: type[Kind] = kinds().get(asked) or kinds()[DEFAULT_KIND]
        own = {"kind": self.chosen_kind.key, "shown_kind": self.chosen_kind.key}
        super().__init__(data, initial=_stored(strategy, self.chosen_kind) | own | dict(initial or {}))
        self.strategy = strategy
        self.values: StrategyValues | None = None
        self.fields["kind"].choices = [(key, found.name) for key, found in kinds().items()]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["kind"].widget.attrs["hx-get"] = (
            reverse("strategies:edit", args=[strategy.pk]) if strategy else reverse("strategies:new")
        )
        for name, param in self.chosen_kind.params().items():
            self.fields[PREFIX + name] = ParamField(param)

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(PREFIX)]

    @property
    def asks_for_other_kind(self) -> bool:
        """Sent with a kind chosen whose parameters were not on the page; nothing can be saved from that."""
        shown, chosen = self.data.get("shown_kind"), self.data.get("kind")
        return bool(shown) and chosen in kinds() and shown != chosen

    def redrawn(self) -> "StrategyForm":
        """What was typed, with the fields of the kind that is now chosen."""
        typed = {name: self.data.get(name, "") for name in ("name", "symbols", "timeframe")}
        return StrategyForm(kind=self.chosen_kind.key, strategy=self.strategy, initial=typed)

    def clean(self) -> None:
        typed = self.cleaned_data
        parameters = {name: typed[PREFIX + name] for name in self.chosen_kind.params()}
        try:
            self.values = clean_strategy(
                name=typed.get("name", ""),
                kind=self.chosen_kind.key,
                parameters=parameters,
                symbols=typed.get("symbols", ""),
                timeframe=typed.get("timeframe", ""),
            )
        except InvalidStrategy as refusal:
            self._refuse(refusal)

    def save(self, user: User) -> Strategy | None:
        """The strategy, saved for `user`; None with the errors at their fields when the service refuses it."""
        if not self.is_valid() or self.values is None:
            return None
        try:
            return save_strategy(user, **self.values, strategy=self.strategy)
        except InvalidStrategy as refusal:
            self._refuse(refusal)
            return None

    def _refuse(self, refusal: InvalidStrategy) -> None:
        """Each message at its field, but where the field has already said what is wrong with it."""
        for key, message in refusal.errors.items():
            field = key.replace("parameters.", PREFIX, 1)
            if field not in self.fields:
                self.add_error(None, message)
            elif field not in self.errors:
                self.add_error(field, message)


def _stored(strategy: Strategy | None, kind: type[Kind]) -> dict[str, Any]:
    """The strategy's values as the fields show them; its parameters only where they are those of `kind`."""
    if strategy is None:
        return {}
    parameters = strategy.parameters if strategy.kind == kind.key else {}
    return {
        "name": strategy.name,
        "symbols": ", ".join(strategy.symbols),
        "timeframe": strategy.timeframe,
        **{PREFIX + name: _written(value) for name, value in parameters.items()},
    }


def _written(value: float) -> str:
    """A number as a person types it: 30, not 30.0."""
    return f"{value:.15g}"
