"""The forms of a live strategy: deploy with settings, edit, and deploy a new version."""

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from backtests.forms.fields import CountField, PercentField, rule_field
from livetrading.models import LiveStrategy
from livetrading.models.live_strategy import MAX_CHECK_INTERVAL, MIN_CHECK_INTERVAL, MIN_SIZE_FRACTION, NAME_LENGTH
from livetrading.models.promotion import MAX_RAISE_AFTER, MIN_RAISE_AFTER
from livetrading.services.deploy import DEFAULTS, DeploymentSettings
from livetrading.services.promotion import Stages
from strategies.forms import PREFIX, ChoiceParamField, ParamField
from strategies.kinds import Choice, Kind
from strategies.services import MAX_SYMBOLS
from tradedesk.core.declarations import Scope
from tradedesk.core.rules import DEPLOYED_RULES, NO_STOP_WARNING, RiskRules

MINUTE = 60


class MinutesField(CountField):
    """Whole minutes; the value is in seconds."""

    def to_python(self, value: Any) -> Any:
        minutes = super().to_python(value)
        return minutes * MINUTE if isinstance(minutes, int) else minutes

    def validate(self, value: Any) -> None:
        super().validate(value / MINUTE if isinstance(value, int) and value % MINUTE else _minutes(value))

    def prepare_value(self, value: Any) -> Any:
        return _minutes(value)


def _minutes(value: Any) -> Any:
    return value // MINUTE if isinstance(value, int) else value


class SettingsForm(forms.Form):
    """What a trader may choose: name, check interval, automatic execution, and every declared trading rule. The
    form parses and checks bounds; the service checks everything else."""

    name = forms.CharField(
        max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )
    check_interval = MinutesField(
        "Check interval (minutes)",
        MIN_CHECK_INTERVAL / MINUTE,
        MAX_CHECK_INTERVAL / MINUTE,
        initial=DEFAULTS.check_interval,
        help_text="Market time between two checks. Longer than a bar: it is checked at each close.",
    )
    auto_execute = forms.BooleanField(
        required=False,
        initial=DEFAULTS.auto_execute,
        label="Place orders automatically",
        help_text="Off: each signal waits until you execute it.",
    )
    vars().update({rule.name: rule_field(rule) for rule in DEPLOYED_RULES.values()})

    no_stop_warning = NO_STOP_WARNING

    @property
    def size_fields(self) -> list[forms.BoundField]:
        return [self[name] for name, rule in DEPLOYED_RULES.items() if rule.scope is Scope.SIZE]

    @property
    def entry_and_exit_fields(self) -> list[forms.BoundField]:
        return [self[name] for name, rule in DEPLOYED_RULES.items() if rule.scope is not Scope.SIZE]

    def clean_check_interval(self) -> int:
        """A stored interval that is no whole minute is shown without its seconds: the same minutes leave it."""
        typed: int = self.cleaned_data["check_interval"]
        stored: int = self.get_initial_for_field(self.fields["check_interval"], "check_interval")
        return stored if typed // MINUTE == stored // MINUTE else typed

    def rules(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in DEPLOYED_RULES}

    def add_errors(self, errors: Mapping[str, str]) -> None:
        """Add the service's errors, each to its field."""
        for name, message in errors.items():
            field = name.replace("parameters.", PREFIX, 1)
            self.add_error(field if field in self.fields else None, message)


def _symbols_field() -> forms.CharField:
    return forms.CharField(
        max_length=1000,
        help_text=f"Separated by commas or spaces, at most {MAX_SYMBOLS}. Add and remove as you like.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )


class NewLiveForm(SettingsForm):
    """source: as of DeployForm. deploy_key: one for each page, so that a double click deploys once."""

    source = forms.CharField(max_length=40, widget=forms.HiddenInput)
    deploy_key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    symbols = _symbols_field()

    @classmethod
    def prefilled(cls, source: str, name: str, symbols: list[str], rules: RiskRules) -> "NewLiveForm":
        own = {"source": source, "deploy_key": uuid.uuid4().hex, "symbols": ", ".join(symbols)}
        return cls(initial={"name": f"Live - {name}"[:NAME_LENGTH]} | own | rules.as_dict())

    def settings(self) -> DeploymentSettings:
        """Raises DeployRefused."""
        values = self.cleaned_data
        return DeploymentSettings(
            check_interval=values["check_interval"], auto_execute=values["auto_execute"], rules=self.rules()
        )


class PromoteForm(forms.Form):
    """The first stage of a promotion, and when the full size is traded."""

    deploy_key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    fraction = PercentField(
        "First stage (% of the size)",
        MIN_SIZE_FRACTION * 100,
        100,
        initial=Stages().fraction,
        help_text="The part of the position size that it trades at first. Every other rule stays as it is.",
    )
    raise_after = CountField(
        "Trade the full size after so many closed trades",
        MIN_RAISE_AFTER,
        MAX_RAISE_AFTER,
        required=False,
        help_text="Only if their mean is what the backtest led one to expect. Empty: you raise it by hand.",
    )

    @classmethod
    def prefilled(cls) -> "PromoteForm":
        return cls(initial={"deploy_key": uuid.uuid4().hex, "fraction": Stages().fraction})

    def stages(self) -> Stages:
        """Raises DeployRefused."""
        return Stages(fraction=self.cleaned_data["fraction"], raise_after=self.cleaned_data["raise_after"])


class RaiseForm(forms.Form):
    fraction = PercentField("Raise to (% of the size)", MIN_SIZE_FRACTION * 100, 100, required=True)


class EditForm(SettingsForm):
    on_leaving = forms.ChoiceField(
        label="When its P&L leaves the expected range",
        choices=LiveStrategy.OnLeaving.choices,
        help_text="The range is 5% to 95% of what its backtest leads one to expect, from five closed trades on. "
        "Paused, it sends exits and no entries until you start it.",
    )

    @classmethod
    def of(cls, live: LiveStrategy, data: QueryDict | None = None) -> "EditForm":
        if data is not None and "on_leaving" not in data:  # a page that was opened before there was a choice
            data = data.copy()
            data["on_leaving"] = live.on_leaving
        return cls(data, initial=_settings_of(live) | {"on_leaving": live.on_leaving})

    def changes(self) -> dict[str, Any]:
        values = self.cleaned_data
        own = {name: values[name] for name in ("name", "check_interval", "auto_execute", "on_leaving")}
        return own | self.rules()


class NewVersionForm(SettingsForm):
    """With a field for each parameter of the kind, as in the form of a strategy."""

    deploy_key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    symbols = _symbols_field()
    hand_over = forms.BooleanField(
        required=False,
        label="Hand the open positions over",
        help_text="The new version then manages them, with the stops they have. Otherwise they stay as they are.",
    )

    def __init__(self, live: LiveStrategy, kind: type[Kind], data: Mapping[str, Any] | None = None) -> None:
        own = {"deploy_key": uuid.uuid4().hex, "symbols": ", ".join(live.symbols), "hand_over": True}
        parameters = {PREFIX + name: f"{value:.15g}" for name, value in live.parameters.items()}
        super().__init__(data, initial=_settings_of(live) | own | parameters)
        self.parameter_names = list(kind.params())
        for name, param in kind.params().items():
            self.fields[PREFIX + name] = (
                ChoiceParamField(param) if isinstance(param, Choice) else ParamField(param)
            )

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        return [self[PREFIX + name] for name in self.parameter_names]

    def parameters(self) -> dict[str, Any]:
        return {name: self.cleaned_data[PREFIX + name] for name in self.parameter_names}


def _settings_of(live: LiveStrategy) -> dict[str, Any]:
    own = {"name": live.name, "check_interval": live.check_interval, "auto_execute": live.auto_execute}
    return own | live.risk_rules().as_dict()
