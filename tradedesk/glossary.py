"""The glossary: what each figure of the desk is, its formula and its source. Declared once, here; `{% term %}`
(tradedesk/templatetags/glossary.py) explains a figure on a page with it, and /glossary lists all.

To add a term: one entry in TERMS. The formulas repeat in words what the named functions compute.
"""

from dataclasses import dataclass
from enum import StrEnum


class Topic(StrEnum):
    """The sections of the glossary, in this order."""

    TRADES = "Trades"
    RETURNS = "Returns and risk"
    ACCOUNT = "Account and costs"
    EVIDENCE = "Evidence"


@dataclass(frozen=True, slots=True)
class Term:
    """source: a publication, or where the figure comes from in the desk; empty where the formula says all."""

    topic: Topic
    name: str
    text: str
    formula: str
    source: str = ""


_TRADES, _RETURNS, _ACCOUNT, _EVIDENCE = Topic
_BACON = "C. R. Bacon, Practical Portfolio Performance Measurement and Attribution (2008)"
_THARP = "V. K. Tharp, Trade Your Way to Financial Freedom (1998)"
_SWEENEY = "J. Sweeney, Maximum Adverse Excursion (1997)"

TERMS: dict[str, Term] = {
    "pnl": Term(
        _TRADES,
        "P&L",
        "Profit and loss in dollars, after the commissions of the entry and the exit.",
        "shares sold × (exit price − entry price) − commission",
    ),
    "win_rate": Term(
        _TRADES,
        "Win rate",
        "The part of the closed trades with a profit after costs. It says nothing of how large the wins are.",
        "trades with P&L above zero / closed trades",
    ),
    "profit_factor": Term(
        _TRADES,
        "Profit factor",
        "Dollars won for each dollar lost. Above 1 the trades earn money. Without a loss it is not defined.",
        "sum of the profits / sum of the losses",
    ),
    "expectancy": Term(
        _TRADES,
        "Expectancy",
        "What a closed trade earned on average, in dollars.",
        "P&L of all closed trades / closed trades",
        _THARP,
    ),
    "r_multiple": Term(
        _TRADES,
        "R-multiple",
        "The result of a trade in units of its initial risk: −1 R is the loss if the initial stop is hit exactly."
        " A trade without a stop below its entry has none.",
        "P&L / (shares × (entry price − initial stop))",
        _THARP,
    ),
    "mean_r": Term(
        _TRADES,
        "Expectancy in R",
        "The mean R-multiple of the closed trades that have one.",
        "sum of the R-multiples / trades with an R-multiple",
        _THARP,
    ),
    "payoff": Term(
        _TRADES,
        "Payoff ratio",
        "How large an average win is beside an average loss.",
        "average win / average loss",
    ),
    "average_win": Term(
        _TRADES, "Average win", "The mean P&L of the winning trades.", "sum of the profits / wins"
    ),
    "average_loss": Term(
        _TRADES, "Average loss", "The mean P&L of the losing trades.", "sum of the losses / losing trades"
    ),
    "streak": Term(
        _TRADES,
        "Streak",
        "Wins or losses in a row, in the order of the exits. A trade of exactly zero ends a streak.",
        "longest run of trades with the same sign of P&L",
    ),
    "holding_time": Term(
        _TRADES,
        "Holding time",
        "From the first fill of the entry to the fill that sold the last share, in calendar time.",
        "exit time − entry time",
    ),
    "mae": Term(
        _TRADES,
        "MAE",
        "Maximum adverse excursion: how far the price went against a trade while it was held. From the bars "
        "of the entry to the one before the exit, and the exit's price.",
        "(entry price − lowest price) / entry price",
        _SWEENEY,
    ),
    "mfe": Term(
        _TRADES,
        "MFE",
        "Maximum favourable excursion: how far the price went in favour of a trade while it was held, by the "
        "same bars as the MAE.",
        "(highest price − entry price) / entry price",
        _SWEENEY,
    ),
    "realized": Term(
        _TRADES,
        "Realized P&L",
        "Profit or loss of what was sold, after all commissions paid so far.",
        "sum of shares sold × (exit price − entry price) − commissions",
    ),
    "unrealized": Term(
        _TRADES,
        "Unrealized P&L",
        "Profit or loss of the open positions at the last price.",
        "sum of open shares × (last price − entry price)",
    ),
    "total_return": Term(
        _RETURNS,
        "Total return",
        "The growth of the equity over the whole period.",
        "last equity / first equity − 1",
    ),
    "cagr": Term(
        _RETURNS,
        "CAGR",
        "Compound annual growth rate: the constant growth a year that leads to the same result. Not given "
        "below 90 days.",
        "(last equity / first equity)^(365.25 / days) − 1",
        _BACON,
    ),
    "sharpe": Term(
        _RETURNS,
        "Sharpe ratio",
        "Mean return for each unit of its variation, a year. Not given below 90 days.",
        "mean(r − rf) / standard deviation(r − rf) × √(sessions a year)",
        "W. F. Sharpe, The Sharpe Ratio, Journal of Portfolio Management 21 (1994)",
    ),
    "sortino": Term(
        _RETURNS,
        "Sortino ratio",
        "Like the Sharpe ratio, but only returns below the risk-free one count as risk.",
        "mean(r − rf) / √mean(min(r − rf, 0)²) × √(sessions a year)",
        "F. A. Sortino and L. N. Price, Journal of Investing 3 (1994)",
    ),
    "calmar": Term(
        _RETURNS,
        "Calmar ratio",
        "Annual growth for each unit of the deepest fall.",
        "CAGR / max drawdown",
        "T. Young, Futures 20 (1991)",
    ),
    "max_drawdown": Term(
        _RETURNS,
        "Max drawdown",
        "The deepest fall of the equity below its highest value so far. Of closed trades it is given in "
        "dollars of their P&L, because trades alone do not say how much money was there.",
        "max(1 − equity / highest equity so far)",
        "M. Magdon-Ismail and A. Atiya, Maximum Drawdown, Risk 17 (2004)",
    ),
    "max_drawdown_days": Term(
        _RETURNS,
        "Longest drawdown",
        "Calendar days from the peak before the deepest fall until the equity is back at it.",
        "date of the recovery − date of the peak",
    ),
    "volatility": Term(
        _RETURNS,
        "Volatility",
        "How much the daily returns vary, a year.",
        "standard deviation(r) × √(sessions a year)",
        _BACON,
    ),
    "alpha": Term(
        _RETURNS,
        "Alpha",
        "The return a year that the market's moves do not explain.",
        "(1 + mean(r − rf − β (b − rf)))^(sessions a year) − 1",
        "M. C. Jensen, Journal of Finance 23 (1968)",
    ),
    "beta": Term(
        _RETURNS,
        "Beta",
        "How far the returns follow those of the benchmark: 1 moves like it, 0 is independent of it.",
        "covariance(r, b) / variance(b)",
        "M. C. Jensen, Journal of Finance 23 (1968)",
    ),
    "correlation": Term(
        _RETURNS,
        "Correlation",
        "How far the daily returns of two strategies move together: 1 the same way, 0 independently, −1 "
        "opposite ways. Strategies that move together are one bet. Sessions without a position count as a "
        "return of zero.",
        "covariance(r₁, r₂) / (standard deviation(r₁) × standard deviation(r₂))",
        "K. Pearson, Proceedings of the Royal Society 58 (1895)",
    ),
    "buy_and_hold": Term(
        _RETURNS,
        "Buy and hold",
        "The same symbols, bought once in equal parts and kept: what any strategy has to beat.",
        "95% of the capital over all symbols, bought at the first open",
    ),
    "equity": Term(
        _ACCOUNT,
        "Equity",
        "What the account is worth: cash and the value of all positions, as the broker last reported it.",
        "cash + sum of shares × last price",
    ),
    "pnl_today": Term(
        _ACCOUNT,
        "P&L today",
        "Profit or loss since the last close of the day before, after the commissions of today.",
        "value now − value at the previous close − spent today",
    ),
    "exposure": Term(
        _ACCOUNT,
        "Exposure",
        "How much of the money is in positions. Above 100% it is borrowed.",
        "market value of the positions / equity, at the session's close",
    ),
    "time_in_market": Term(
        _ACCOUNT, "Time in market", "The part of the bars in which a position was held.", "bars held / all bars"
    ),
    "contribution": Term(
        _ACCOUNT,
        "Contribution",
        "What a strategy added to the P&L of all strategies.",
        "realized P&L of the strategy / realized P&L of all",
    ),
    "commission": Term(
        _ACCOUNT, "Commission", "What the broker charged for the fills.", "sum of the commissions of all fills"
    ),
    "slippage": Term(
        _ACCOUNT,
        "Entry slippage",
        "What entries by a signal paid above the close of the bar that was decided on, which sized the order. The"
        " move to the next open is in it; below zero is in your favour.",
        "shares × (entry price − close of the signal)",
        "Stored fills and signals",
    ),
    "open_risk": Term(
        _ACCOUNT,
        "Open risk",
        "What the open positions lose if every stop is hit at its price.",
        "sum of shares × (last price − stop)",
    ),
    "blocked_return": Term(
        _ACCOUNT,
        "Return of a blocked signal",
        "What the entry that a rule refused would have led to: bought at the next open with the account's "
        "slippage, sold by the strategy's own stop, trailing stop or target, or at the open after its next "
        "SELL signal; while none has come, valued at the last close. Without commission, and as if there had "
        "been money and a share.",
        "exit price / entry price − 1",
        "Fills of a backtest, on the stored bars",
    ),
    "deflated_sharpe": Term(
        _EVIDENCE,
        "Deflated Sharpe ratio",
        "The probability that the true Sharpe ratio is above zero, given that the best of so many trials was "
        "chosen.",
        "probability of SR above the expected best of N trials without skill",
        "D. H. Bailey and M. Lopez de Prado, Journal of Portfolio Management 40 (2014)",
    ),
    "overfitting": Term(
        _EVIDENCE,
        "Probability of overfitting",
        "How often the best combination of one half of the sessions ranks below the median in the other half.",
        "splits with a rank below the median out of sample / all splits",
        "D. H. Bailey, J. M. Borwein, M. Lopez de Prado, Q. J. Zhu, Journal of Computational Finance 20 (2017)",
    ),
    "holdout": Term(
        _EVIDENCE,
        "Holdout period",
        "The last part of the bars, which no search may see. Each test on it uses some of it up.",
        "the last 30% of the sessions unless chosen otherwise",
    ),
}


def by_topic() -> list[tuple[Topic, list[tuple[str, Term]]]]:
    """All terms by their sections, each with its key, in the order of their names."""
    named = sorted(TERMS.items(), key=lambda entry: entry[1].name.lower())
    return [(topic, [entry for entry in named if entry[1].topic is topic]) for topic in Topic]
