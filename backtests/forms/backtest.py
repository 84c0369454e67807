"""The form of a new backtest."""

from typing import Any

from backtests.forms.assumptions import OneStrategyForm


class BacktestForm(OneStrategyForm):
    def values(self) -> dict[str, Any]:
        """The arguments of create_backtest from a valid form."""
        return {"strategy": self.cleaned_data["strategy"], **self.assumption_values()}
