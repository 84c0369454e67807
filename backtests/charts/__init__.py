"""Charts of a backtest as the JSON that static/src/charts and static/src/plots draw (docs/frontend.md)."""

from backtests.charts.comparison import comparison_chart
from backtests.charts.curves import equity_chart, exposure_chart, rolling_sharpe_chart
from backtests.charts.histograms import profit_chart, r_multiple_chart
from backtests.charts.price import price_chart

__all__ = [
    "CHARTS_BY_NAME",
    "comparison_chart",
    "equity_chart",
    "exposure_chart",
    "price_chart",
    "profit_chart",
    "r_multiple_chart",
    "rolling_sharpe_chart",
]

# The charts that need only the backtest, by the last part of their address.
CHARTS_BY_NAME = {
    "equity": equity_chart,
    "rolling-sharpe": rolling_sharpe_chart,
    "exposure": exposure_chart,
    "profit": profit_chart,
    "r-multiples": r_multiple_chart,
}
