"""What the forms of a backtest and of an optimizer run share: symbols, period, capital, rules, costs."""

from collections.abc import Mapping
from typing import Any

from django import forms

from backtests.forms.fields import DayField, NumberField, rule_field
from strategies.models import Strategy
from tradedesk.accounts.models import User
from tradedesk.core.rules import COSTS as COST_RULES
from tradedesk.core.rules import RULES, Scope

CAPITAL = 100_000
# Left empty, these two split the capital over the symbols.
SPLIT = {"position_size_pct": "95 ÷ symbols", "max_positions": "Number of symbols"}


class AssumptionsForm(forms.Form):
    """It reads what was typed, and the service decides."""

    symbols = forms.CharField(
        required=False,
        label="Symbols",
        help_text="Separated by commas. Empty: the strategy's own.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )
    start_date = DayField("From")
    end_date = DayField("To")
    initial_capital = NumberField("Capital ($)", 1, 1e9, initial=CAPITAL)

    # One field for each trading rule and cost, made from their declarations.
    vars().update(
        {rule.name: rule_field(rule, SPLIT.get(rule.name)) for rule in (*COST_RULES.values(), *RULES.values())}
    )

    COSTS = tuple(COST_RULES)
    SIZE = tuple(name for name, rule in RULES.items() if rule.scope is Scope.SIZE)
    ENTRIES_AND_EXITS = tuple(name for name, rule in RULES.items() if rule.scope is not Scope.SIZE)

    @property
    def cost_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.COSTS]

    @property
    def size_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.SIZE]

    @property
    def entry_and_exit_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.ENTRIES_AND_EXITS]

    def refuse(self, errors: Mapping[str, str]) -> None:
        """What the service refused, each message at its field."""
        for name, message in errors.items():
            self.add_error(name if name in self.fields else None, message)

    def assumed(self) -> dict[str, Any]:
        """Symbols, period, capital, rules and costs of a valid form, as the services take them."""
        return {name: self.cleaned_data[name] for name in AssumptionsForm.base_fields}


class OneStrategyForm(AssumptionsForm):
    """About one of the user's strategies; `shown_strategy` says for which one the rest was drawn."""

    strategy: forms.ModelChoiceField[Strategy] = forms.ModelChoiceField(
        Strategy.objects.none(),
        empty_label=None,
        error_messages={"invalid_choice": "Choose one of your strategies."},
    )
    shown_strategy = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        user: User,
        data: Mapping[str, Any] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        field = self.fields["strategy"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - declared so above; for the type checker
        field.queryset = user.strategies.all()
