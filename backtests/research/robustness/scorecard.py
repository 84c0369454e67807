"""The scorecard: one line for each part of the robustness report, with a rating and a message."""

from dataclasses import dataclass
from enum import StrEnum

from backtests.research.optimizer.objectives import LABELS, Objective
from backtests.research.robustness.deflated_sharpe import Moments, deflated_sharpe, expected_best
from backtests.research.robustness.report import HoldoutStatus, Report
from tradedesk.core.metrics import SESSIONS_PER_YEAR

# The thresholds of the ratings; the criterion of each line states them.
PASS_DEFLATED_SHARPE, CAUTION_DEFLATED_SHARPE = 0.95, 0.50
PASS_OVERFITTING, CAUTION_OVERFITTING = 0.20, 0.50
PASS_RATIO = 0.50  # of the in-sample Sharpe ratio, or of the result's score
PASS_TRADES, CAUTION_TRADES = 30, 10
PASS_MONTH, PASS_DRAWDOWN = 0.05, 0.20  # losses as fractions of the equity; a caution is up to twice as much

USED_HOLDOUT = {HoldoutStatus.USED_BY_SEARCH: "search", HoldoutStatus.USED_BY_RANKING: "ranking"}


class Rating(StrEnum):
    PASS = "pass"  # noqa: S105 - a rating
    CAUTION = "caution"
    FAIL = "fail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Line:
    """message: the result as a sentence with its number. criterion: the condition to pass."""

    key: str
    label: str
    rating: Rating
    message: str
    criterion: str
    value: float | None = None


def lines(report: Report, trials: int, variance: float | None, others: int = 0) -> list[Line]:
    """trials, variance: the number of trials on these symbols and this period, and the variance of their Sharpe
    ratios per session. others: the number of other trials that used the holdout period."""
    return [
        _deflated_sharpe(report, trials, variance),
        _out_of_sample(report, others),
        _walk_forward(report),
        _overfitting(report),
        _neighbours(report),
        _monte_carlo(report),
        _costs(report),
        _trades(report),
        _checks(report),
    ]


def counts(shown: list[Line]) -> dict[str, int]:
    """The number of lines with each rating."""
    return {rating.value: sum(line.rating is rating for line in shown) for rating in Rating}


def rating_summary(shown: list[Line]) -> str:
    """ "5 pass, 2 caution, 1 fail"; a rating that no line has is left out."""
    found = counts(shown)
    rated = (rating for rating in Rating if rating is not Rating.NONE and found[rating])
    return ", ".join(f"{found[rating]} {rating.value}" for rating in rated)


def _deflated_sharpe(report: Report, trials: int, variance: float | None) -> Line:
    key, label = "deflated_sharpe", "Deflated Sharpe"
    criterion = f"Pass from {PASS_DEFLATED_SHARPE:.0%}, caution from {CAUTION_DEFLATED_SHARPE:.0%}."
    best = f"the best of {trials:,} trials" if trials > 1 else "a single trial"
    if not report["moments"]:
        return Line(key, label, Rating.NONE, f"There is no Sharpe ratio to rate ({best}).", criterion)
    moments = Moments(**report["moments"])
    # Without a known variance: that of strategies without skill.
    spread = variance if variance is not None else 1.0 / moments.sessions
    value = deflated_sharpe(moments, spread, trials)
    by_chance = expected_best(spread, trials) * SESSIONS_PER_YEAR**0.5
    message = f"{_probability(value)} probability of a true Sharpe ratio above zero, as {best}."
    if trials > 1:
        message += f" The best of {trials:,} trials without skill would have about {by_chance:.2f}."
    rating = _at_least(value, PASS_DEFLATED_SHARPE, CAUTION_DEFLATED_SHARPE)
    return Line(key, label, rating, message, criterion, value)


def _out_of_sample(report: Report, others: int) -> Line:
    key, label = "out_of_sample", "Out of sample"
    criterion = (
        "Pass when the holdout period has at least half of the Sharpe ratio before it and no other trial used the "
        "holdout period; caution when it is above zero."
    )
    found = report["out_of_sample"]
    if found and found["went_to_zero"]:
        return Line(key, label, Rating.FAIL, "The account went to zero.", criterion)
    if not found or found["out_of_sample"] is None:
        message = "There were no trades in the holdout period, or it is too short."
        return Line(key, label, Rating.NONE, message, criterion)
    before, after = found["in_sample"], found["out_of_sample"]
    figures = f"Sharpe {after:.2f} in the last {found['holdout_fraction']:.0%}, {_ratio(before)} before it"
    status = HoldoutStatus(found["holdout_status"])
    if status in USED_HOLDOUT:
        return Line(
            key,
            label,
            Rating.NONE,
            f"{figures}; the {USED_HOLDOUT[status]} used the whole holdout period.",
            criterion,
            after,
        )
    kept = before is None or before <= 0.0 or after >= PASS_RATIO * before
    rating = Rating.FAIL if after <= 0.0 else Rating.PASS if kept and not others else Rating.CAUTION
    known = "; its search did not use the holdout period" if status is HoldoutStatus.NOT_USED else ""
    if others:
        known += f"; {others:,} other {'trial' if others == 1 else 'trials'} used the holdout period"
    return Line(key, label, rating, f"{figures}{known}.", criterion, after)


def _walk_forward(report: Report) -> Line:
    key, label = "walk_forward", "Walk-forward"
    criterion = (
        "Pass when the Sharpe ratio of the joined folds is above zero and the efficiency is at least "
        f"{PASS_RATIO:.0%}, caution when the Sharpe ratio is above zero."
    )
    found = report["walk_forward"]
    if not found or found["sharpe"] is None:
        message = _no_sample(report, "eight folds", 1)
        if found and report["informative"]:
            message = "The combination that was best before each fold made no trades in that fold."
        return Line(key, label, Rating.NONE, message, criterion)
    sharpe, efficiency = found["sharpe"], found["efficiency"]
    kept = "efficiency undefined" if efficiency is None else f"efficiency {efficiency:.0%}"
    rating = Rating.FAIL if sharpe <= 0 else Rating.PASS if (efficiency or 0) >= PASS_RATIO else Rating.CAUTION
    message = f"Sharpe {sharpe:.2f} over {len(found['folds'])} joined folds, {kept}."
    return Line(key, label, rating, message, criterion, sharpe)


def _overfitting(report: Report) -> Line:
    key, label = "overfitting", "Overfitting"
    criterion = f"Pass below {PASS_OVERFITTING:.0%}, caution below {CAUTION_OVERFITTING:.0%}."
    found = report["overfitting"]
    if not found:
        return Line(key, label, Rating.NONE, _no_sample(report, "sixteen blocks", 2), criterion)
    value = found["probability"]
    rating = (
        Rating.PASS if value < PASS_OVERFITTING else Rating.CAUTION if value < CAUTION_OVERFITTING else Rating.FAIL
    )
    message = (
        f"In {value:.0%} of the splits the best of {found['columns']:,} combinations ranks below the median out "
        "of sample."
    )
    return Line(key, label, rating, message, criterion, value)


def _neighbours(report: Report) -> Line:
    key, label = "neighbours", "Neighbours"
    criterion = (
        "Pass when the median score one step away is at least half of the result's score, caution above zero."
    )
    found = report["neighbours"]
    if not found or found["median"] is None:
        message = "The strategy has no parameters to vary." if not found else "No neighbour has a score."
        return Line(key, label, Rating.NONE, message, criterion)
    median, score, objective = found["median"], found["score"], Objective(found["objective"])
    message = (
        f"{LABELS[objective]}: median of {len(found['scores'])} neighbours {_score(median, objective)}, this "
        f"combination {_score(score, objective)}."
    )
    # Neither gain nor loss is a profit factor of 1, and 0 for every other score.
    even = 1.0 if objective is Objective.PROFIT_FACTOR else 0.0
    kept = score is None or median - even >= PASS_RATIO * (score - even)
    rating = Rating.FAIL if median <= even else Rating.PASS if kept else Rating.CAUTION
    return Line(key, label, rating, message, criterion, median)


def _monte_carlo(report: Report) -> Line:
    key, label = "monte_carlo", "Money at risk"
    criterion = (
        f"Pass when a bad month loses less than {PASS_MONTH:.0%} and a bad drawdown is below {PASS_DRAWDOWN:.0%}, "
        f"caution below twice as much; at most caution below {CAUTION_TRADES} closed trades."
    )
    found = report["monte_carlo"]
    if not found:
        return Line(key, label, Rating.NONE, "There were no entries.", criterion)
    month, drawdown = found["month"], found["drawdown"]
    message = f"Bad month {_change(month)}, bad drawdown {_change(-drawdown)}, including open positions."
    if report["trades"] < CAUTION_TRADES:
        message += f" Only {report['trades']} closed trades."
    worst = max(-month / PASS_MONTH, drawdown / PASS_DRAWDOWN)
    passes = worst < 1.0 and report["trades"] >= CAUTION_TRADES
    rating = Rating.PASS if passes else Rating.CAUTION if worst < 2.0 else Rating.FAIL
    return Line(key, label, rating, message, criterion, month)


def _costs(report: Report) -> Line:
    key, label = "costs", "Costs"
    criterion = "Pass when the return is positive at twice the costs."
    value = report["costs"]["total_return"]
    if not report["trades"] and not report["open"]:
        return Line(key, label, Rating.NONE, "There were no trades and so no costs.", criterion)
    at = "at 5 basis points of slippage" if report["costs"]["assumed"] else "at twice the costs"
    # The figures of a search's row end before the holdout; these are of the whole period.
    message = f"Return over the whole period: {value:+.1%} {at}, {report['total_return']:+.1%} at its own costs."
    return Line(key, label, Rating.PASS if value > 0.0 else Rating.FAIL, message, criterion, value)


def _trades(report: Report) -> Line:
    key, label = "trades", "Trades"
    criterion = f"Pass from {PASS_TRADES} closed trades, caution from {CAUTION_TRADES}."
    count = report["trades"]
    rating = _at_least(count, PASS_TRADES, CAUTION_TRADES)
    counted = f"{count:,} closed trade{'' if count == 1 else 's'}"
    message = f"{counted}." if rating is Rating.PASS else f"{counted}, fewer than {PASS_TRADES}."
    return Line(key, label, rating, message, criterion, float(count))


def _checks(report: Report) -> Line:
    key, label = "checks", "Checks"
    criterion = "Pass when both checks of the strategy find no fault."
    look_ahead, warmup = report["checks"]["look_ahead"], report["checks"]["warmup"]
    bars = look_ahead["bars"]
    if not look_ahead["passed"] or (warmup["tried"] and not warmup["passed"]):
        fault = look_ahead if not look_ahead["passed"] else warmup
        return Line(key, label, Rating.FAIL, fault["message"], criterion, 0.0)
    if not warmup["tried"]:
        message = f"No look-ahead on {bars:,} bars; too few bars to check the warm-up."
        return Line(key, label, Rating.CAUTION, message, criterion)
    return Line(key, label, Rating.PASS, f"No look-ahead and enough warm-up on {bars:,} bars.", criterion, 1.0)


def _at_least(value: float, passes: float, caution: float) -> Rating:
    return Rating.PASS if value >= passes else Rating.CAUTION if value >= caution else Rating.FAIL


def _probability(value: float) -> str:
    """Never 0% or 100%, which no sample can show."""
    return "Over 99%" if value > 0.99 else "Under 1%" if value < 0.01 else f"{value:.0%}"


def _no_sample(report: Report, needed: str, least: int) -> str:
    """Why there is no figure: no combinations, none that traded, all equal, or too few sessions."""
    if not report["sample"]:
        return "There are no parameters to search."
    if not report["informative"]:
        return f"None of {report['sample']:,} combinations traded."
    if report["informative"] < least:
        return f"All combinations that traded (of {report['sample']:,} tested) gave the same result."
    return f"There are too few sessions for {needed}."


def _change(value: float) -> str:
    """A signed percent; 0.0% without a sign."""
    return f"{value:+.1%}" if abs(value) >= 0.0005 else "0.0%"


def _score(value: float | None, objective: Objective) -> str:
    return f"{value:+.1%}" if value is not None and objective is Objective.CAGR else _ratio(value)


def _ratio(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"
