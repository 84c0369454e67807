"""Fields shared by the forms of a backtest, of an optimizer run and of a trader's defaults: symbols, period,
capital, rules, costs."""

from collections.abc import Mapping
from typing import Any

from django import forms

from backtests.forms.fields import DayField, NumberField, offer_newest, rule_field
from backtests.services.defaults import CAPITAL
from strategies.models import Strategy
from tradedesk.accounts.models import User
from tradedesk.core.declarations import Scope
from tradedesk.core.rules import COSTS as COST_RULES
from tradedesk.core.rules import NO_STOP_WARNING, RULES

# Placeholders of the two rules that, left empty, split the capital over the symbols.
SPLIT = {"position_size_pct": "95 ÷ symbols", "max_positions": "Number of symbols"}


def benchmark_field() -> forms.CharField:
    return forms.CharField(
        required=False,
        max_length=15,
        label="Benchmark",
        help_text="A symbol with bars, such as SPY. Empty: the tested symbols, bought and held.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )


class RulesForm(forms.Form):
    """The form parses and checks bounds; the service checks everything else."""

    initial_capital = NumberField("Capital ($)", 1, 1e9, initial=CAPITAL)

    # One field for each declared trading rule and cost.
    vars().update(
        {rule.name: rule_field(rule, SPLIT.get(rule.name)) for rule in (*COST_RULES.values(), *RULES.values())}
    )

    COSTS = tuple(COST_RULES)
    SIZE = tuple(name for name, rule in RULES.items() if rule.scope is Scope.SIZE)
    ENTRIES_AND_EXITS = tuple(name for name, rule in RULES.items() if rule.scope is not Scope.SIZE)
    no_stop_warning = NO_STOP_WARNING

    @property
    def cost_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.COSTS]

    @property
    def size_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.SIZE]

    @property
    def entry_and_exit_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.ENTRIES_AND_EXITS]

    def add_errors(self, errors: Mapping[str, str]) -> None:
        """Add the service's errors, each to its field."""
        for name, message in errors.items():
            self.add_error(name if name in self.fields else None, message)


class AssumptionsForm(RulesForm):
    symbols = forms.CharField(
        required=False,
        label="Symbols",
        help_text="Separated by commas. Empty: the strategy's symbols.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )
    start_date = DayField("From")
    end_date = DayField("To")
    compare_with = benchmark_field()

    def assumption_values(self) -> dict[str, Any]:
        """Symbols, period, capital, rules and costs of a valid form, as arguments of the services."""
        return {name: self.cleaned_data[name] for name in AssumptionsForm.base_fields}


class OneStrategyForm(AssumptionsForm):
    """A form for one of the user's strategies. shown_strategy: the strategy whose fields the page showed."""

    strategy: forms.ModelChoiceField[Strategy] = forms.ModelChoiceField(
        Strategy.objects.none(),
        empty_label=None,
        error_messages={"invalid_choice": "Select one of your strategies."},
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
        chosen = (data or initial or {}).get("strategy", "")
        offer_newest(self.fields["strategy"], user.strategies.all(), chosen, every=None)
