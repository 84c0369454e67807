"""What the forms of a backtest and of an optimizer run share: symbols, period, capital, rules, costs."""

from collections.abc import Mapping
from typing import Any

from django import forms

from backtests.forms.fields import CountField, DayField, NumberField, PercentField
from strategies.models import Strategy
from tradedesk.accounts.models import User
from tradedesk.core.rules import RiskRules

CAPITAL = 100_000
STANDARD = RiskRules()


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

    commission_bps = NumberField(
        "Commission (basis points)", 0, 1000, initial=0, help_text="Of the amount traded. 1 = 0.01%."
    )
    slippage_bps = NumberField(
        "Slippage (basis points)", 0, 1000, initial=0, help_text="Of the price, against you, each way."
    )
    commission_per_order = NumberField("Commission per order ($)", 0, 1000, initial=0)
    commission_per_share = NumberField("Commission per share ($)", 0, 10, initial=0)

    position_size_pct = PercentField(
        "Size (% of equity)",
        0.1,
        100,
        placeholder="95 ÷ symbols",
        help_text="Empty: fully invested, 95% split over the symbols.",
    )
    max_position_size = NumberField("Size, at most ($)", 1, 1e9, placeholder="No limit")
    max_positions = CountField(
        "Positions, at most", 1, 1000, placeholder="Number of symbols", help_text="One position a symbol."
    )
    stop_loss_pct = PercentField(
        "Stop loss (%)",
        0.1,
        99,
        initial=STANDARD.stop_loss_pct,
        help_text="Below the price paid. Every position has one.",
    )
    take_profit_pct = PercentField(
        "Take profit (%)", 0.1, 10_000, placeholder="Off", help_text="Above the price paid."
    )
    signal_threshold = NumberField(
        "Signal threshold (0 to 1)",
        0,
        1,
        initial=STANDARD.signal_threshold,
        help_text="Weaker buy signals are passed over.",
    )
    daily_loss_limit = NumberField(
        "Daily loss limit ($)", 1, 1e9, placeholder="Off", help_text="No entries for the rest of that day."
    )
    max_drawdown_pct = PercentField(
        "Drawdown limit (%)",
        0.1,
        99,
        placeholder="Off",
        help_text="No entries below the highest equity by this much.",
    )
    fractional = forms.BooleanField(label="Fractional shares", required=False)

    COSTS = ("commission_bps", "slippage_bps", "commission_per_order", "commission_per_share")
    SIZE = ("position_size_pct", "max_position_size", "max_positions", "fractional")
    EXITS = ("stop_loss_pct", "take_profit_pct", "signal_threshold", "daily_loss_limit", "max_drawdown_pct")

    @property
    def cost_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.COSTS]

    @property
    def size_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.SIZE]

    @property
    def exit_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.EXITS]

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
