"""The line "Against holding": whether a result is more than its benchmark, bought and held, and chance."""

from backtests.research.robustness.chance import chance_value
from backtests.research.robustness.deflated_sharpe import Moments, standard_score
from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard.line import Line, Rating, at_least, change, ratio, rounded_down
from backtests.research.robustness.tried import Tried

PASS_HOLDING, CAUTION_HOLDING = 0.95, 0.80


def against_holding_line(report: Report, tried: Tried) -> Line:
    """The differences are compared with the maxima of chance over the returns themselves, because the registry
    keeps none of differences: decision 15 has the rates at which noise passes."""
    key, label = "against_holding", "Against holding"
    criterion = (
        f"Pass from {PASS_HOLDING:.0%} on the differences from holding, caution from {CAUTION_HOLDING:.0%}; fail "
        "when both the return and the Sharpe ratio are below those of holding."
    )
    found = report["holding"]
    result, held, name = found["result"], found["benchmark"], ", ".join(found["symbols"])
    message = (
        f"Return {change(result['total_return'])}, drawdown {result['max_drawdown']:.1%} and Sharpe "
        f"{ratio(result['sharpe'])}; holding {name}: {change(held['total_return'])}, "
        f"{held['max_drawdown']:.1%} and {ratio(held['sharpe'])}."
    )
    if report["per_year"] is None:  # too few days for a Sharpe ratio
        message = (
            f"Return {change(result['total_return'])} and drawdown {result['max_drawdown']:.1%}; holding {name}: "
            f"{change(held['total_return'])} and {held['max_drawdown']:.1%}."
        )
    if not found["moments"]:
        return Line(key, label, Rating.NONE, f"{message} It does not differ from holding.", criterion)
    value = chance_value(standard_score(Moments(**found["moments"])), tried.maxima)
    if lost_to_holding(report):
        return Line(key, label, Rating.FAIL, f"{message} It lost to holding on both.", criterion, value)
    sure = f"{rounded_down(value)} sure that the difference is more than chance."
    return Line(key, label, at_least(value, PASS_HOLDING, CAUTION_HOLDING), f"{message} {sure}", criterion, value)


def lost_to_holding(report: Report) -> bool:
    """Whether both the return and the Sharpe ratio are below those of the benchmark."""
    return bool(report["holding"]["lost"])
