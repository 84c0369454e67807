from backtests.forms.backtest import BacktestForm
from backtests.forms.defaults import DefaultsForm
from backtests.forms.fields import CountField, NumberField, PercentField
from backtests.forms.filters import BacktestFilters
from backtests.forms.optimizer import RankForm, SearchForm

__all__ = [
    "BacktestFilters",
    "BacktestForm",
    "CountField",
    "DefaultsForm",
    "NumberField",
    "PercentField",
    "RankForm",
    "SearchForm",
]
