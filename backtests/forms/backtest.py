"""The form of a new backtest."""

from typing import Any

from backtests.forms.assumptions import OneStrategyForm


class BacktestForm(OneStrategyForm):
    def values(self) -> dict[str, Any]:
        """What create_backtest takes, of a valid form."""
        return {"strategy": self.cleaned_data["strategy"], **self.assumed()}
