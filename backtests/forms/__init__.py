from backtests.forms.backtest import BacktestForm
from backtests.forms.fields import CountField, NumberField, PercentField
from backtests.forms.optimizer import RankForm, SearchForm

__all__ = ["BacktestForm", "CountField", "NumberField", "PercentField", "RankForm", "SearchForm"]
