"""The panel: what was found, a line each, with a mark and the number in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from backtests.optimizer.objectives import LABELS, Objective
from backtests.robustness.examination import Findings, Sight
from backtests.robustness.luck import Moments, deflated_sharpe, expected_best

# What each mark asks for, in one place; beside it stands what the page says of it.
GREEN_LUCK, AMBER_LUCK = 0.95, 0.50
GREEN_OVERFITTING, AMBER_OVERFITTING = 0.20, 0.50
GREEN_PART = 0.50  # of the in-sample Sharpe ratio, or of a result's own
ENOUGH_TRADES, FEW_TRADES = 30, 10

SAW_ALL = {Sight.SEARCHED: "search", Sight.RANKED: "ranking"}


class Mark(StrEnum):
    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Line:
    """key: for the API and the page. words: the finding, its number included. asks: what makes it green."""

    key: str
    label: str
    mark: Mark
    words: str
    asks: str
    value: float | None = None


def lines(found: Findings, tries: int, variance: float | None, others: int = 0) -> list[Line]:
    """tries, variance: from the ledger, on this symbol and period; the variance of Sharpe ratios per session.
    others: tries beside this one whose period reaches into the last part of its own."""
    return [
        _luck(found, tries, variance),
        _out_of_sample(found, others),
        _walk_forward(found),
        _overfitting(found),
        _neighbours(found),
        _money(found),
        _costs(found),
        _trades(found),
        _proofs(found),
    ]


def _luck(found: Findings, tries: int, variance: float | None) -> Line:
    asks = f"Green from a deflated Sharpe ratio of {GREEN_LUCK:.2f}, amber from {AMBER_LUCK:.2f}."
    of = f"the best of {tries:,} tries" if tries > 1 else "a single try"
    if not found["moments"]:
        return Line("luck", "Luck", Mark.NONE, f"No Sharpe ratio to judge ({of}).", asks)
    shape = Moments(**found["moments"])
    # Tries without a spread of their own scatter as those of a strategy without skill do.
    spread = variance if variance is not None else 1.0 / shape.sessions
    value = deflated_sharpe(shape, spread, tries)
    yearly = expected_best(spread, tries) * 252**0.5
    words = f"{_sure(value)} sure of a true Sharpe ratio above zero, as {of}; luck alone would show {yearly:.2f}."
    return Line("luck", "Luck", _above(value, GREEN_LUCK, AMBER_LUCK), words, asks, value)


def _out_of_sample(found: Findings, others: int) -> Line:
    asks = (
        "Green when the last part has at least half of the Sharpe ratio before it, and no other try reached into "
        "it; amber when it gained at all."
    )
    apart = found["out_of_sample"]
    if apart and apart["ruined"]:
        words = "The account was lost on the way."
        return Line("out_of_sample", "Out of sample", Mark.BAD, words, asks)
    if not apart or apart["out_of_sample"] is None:
        words = "Nothing was traded in the last part, or it is too short."
        return Line("out_of_sample", "Out of sample", Mark.NONE, words, asks)
    before, after = apart["in_sample"], apart["out_of_sample"]
    figures = f"Sharpe {after:.2f} on the last {apart['part']:.0%}, {_ratio(before)} before it"
    sight = Sight(apart["sight"])
    if sight in SAW_ALL:
        words = f"{figures}; the {SAW_ALL[sight]} saw all of it."
        return Line("out_of_sample", "Out of sample", Mark.NONE, words, asks, after)
    held = before is None or before <= 0.0 or after >= GREEN_PART * before
    seen = others > 0
    mark = Mark.BAD if after <= 0.0 else Mark.GOOD if held and not seen else Mark.FAIR
    known = "; its search did not see the last part" if sight is Sight.HELD_BACK else ""
    if seen:  # held back from one search is not held back from the trader
        known += f"; {others:,} other {'try' if others == 1 else 'tries'} reached into the last part"
    words = f"{figures}{known}."
    return Line("out_of_sample", "Out of sample", mark, words, asks, after)


def _walk_forward(found: Findings) -> Line:
    asks = "Green when the stitched Sharpe ratio is above zero at an efficiency of 50% or more, amber above zero."
    walked = found["walk_forward"]
    if not walked or walked["sharpe"] is None:
        words = _why_not(found, "eight folds", 1)
        if walked and found["telling"]:
            words = "What was best before a fold never traded in it."
        return Line("walk_forward", "Walk-forward", Mark.NONE, words, asks)
    sharpe, efficiency = walked["sharpe"], walked["efficiency"]
    kept = "efficiency undefined" if efficiency is None else f"efficiency {efficiency:.0%}"
    mark = Mark.BAD if sharpe <= 0 else Mark.GOOD if (efficiency or 0) >= GREEN_PART else Mark.FAIR
    words = f"Sharpe {sharpe:.2f} stitched from {len(walked['folds'])} folds, {kept}."
    return Line("walk_forward", "Walk-forward", mark, words, asks, sharpe)


def _overfitting(found: Findings) -> Line:
    asks = f"Green below {GREEN_OVERFITTING:.0%}, amber below {AMBER_OVERFITTING:.0%}."
    fitted = found["overfitting"]
    if not fitted:
        words = _why_not(found, "sixteen blocks", 2)
        return Line("overfitting", "Overfitting", Mark.NONE, words, asks)
    value = fitted["probability"]
    mark = Mark.GOOD if value < GREEN_OVERFITTING else Mark.FAIR if value < AMBER_OVERFITTING else Mark.BAD
    words = f"The best of {fitted['columns']:,} falls into the lower half afterwards {value:.0%} of the time."
    return Line("overfitting", "Overfitting", mark, words, asks, value)


def _neighbours(found: Findings) -> Line:
    asks = "Green when the median one step around is at least half of its own score, amber when it gains at all."
    near = found["neighbours"]
    if not near or near["median"] is None:
        words = "No parameters to move." if not near else "No neighbour has a score."
        return Line("neighbours", "Neighbours", Mark.NONE, words, asks)
    median, own, objective = near["median"], near["own"], Objective(near["objective"])
    words = (
        f"{LABELS[objective]} {_score(median, objective)} in the median of {len(near['around'])} one step around, "
        f"{_score(own, objective)} itself."
    )
    # A profit factor of 1 is neither gain nor loss, any other score is neither at 0.
    even = 1.0 if objective is Objective.PROFIT_FACTOR else 0.0
    held = own is None or median - even >= GREEN_PART * (own - even)
    mark = Mark.BAD if median <= even else Mark.GOOD if held else Mark.FAIR
    return Line("neighbours", "Neighbours", mark, words, asks, median)


def _money(found: Findings) -> Line:
    asks = (
        "Green when a bad month costs less than 5% and a bad drawdown less than 20%, amber less than twice that; "
        f"never green below {FEW_TRADES} closed trades."
    )
    drawn = found["money"]
    if not drawn:
        return Line("money", "Money at risk", Mark.NONE, "Nothing was bought.", asks)
    month, drawdown = drawn["month"], drawn["drawdown"]
    words = f"A bad month {_cost(month)}, a bad drawdown {_cost(-drawdown)}, open losses counted."
    if found["trades"] < FEW_TRADES:
        words += f" Few closed trades to tell from: {found['trades']}."
    worst = max(-month / 0.05, drawdown / 0.20)
    good = worst < 1.0 and found["trades"] >= FEW_TRADES
    mark = Mark.GOOD if good else Mark.FAIR if worst < 2.0 else Mark.BAD
    return Line("money", "Money at risk", mark, words, asks, month)


def _costs(found: Findings) -> Line:
    asks = "Green when it still gains at twice the costs."
    value = found["costs"]["total_return"]
    if not found["trades"] and not found["open"]:
        return Line("costs", "Costs", Mark.NONE, "Nothing was traded, so nothing was paid.", asks)
    at = "at 5 basis points of slippage" if found["costs"]["assumed"] else "at twice the costs"
    # Of a row of a search too: its own figures stop before the part that was held back.
    words = f"{value:+.1%} {at}, {found['total_return']:+.1%} at its own, over the whole period."
    return Line("costs", "Costs", Mark.GOOD if value > 0.0 else Mark.BAD, words, asks, value)


def _trades(found: Findings) -> Line:
    asks = f"Green from {ENOUGH_TRADES} closed trades, amber from {FEW_TRADES}."
    count = found["trades"]
    mark = _above(count, ENOUGH_TRADES, FEW_TRADES)
    counted = f"{count:,} closed trade{'' if count == 1 else 's'}"
    words = f"{counted}." if mark is Mark.GOOD else f"{counted}; {ENOUGH_TRADES} would say more."
    return Line("trades", "Trades", mark, words, asks, float(count))


def _proofs(found: Findings) -> Line:
    asks = "Green when neither proof finds fault."
    ahead, warm = found["proofs"]["look_ahead"], found["proofs"]["warmup"]
    bars = ahead["bars"]
    if not ahead["passed"] or (warm["tried"] and not warm["passed"]):
        fault = ahead if not ahead["passed"] else warm
        return Line("proofs", "Proofs", Mark.BAD, fault["message"], asks, 0.0)
    if not warm["tried"]:
        words = f"No look-ahead on {bars:,} bars; too few for the proof of the warm-up."
        return Line("proofs", "Proofs", Mark.FAIR, words, asks)
    words = f"No look-ahead and enough warm-up on {bars:,} bars."
    return Line("proofs", "Proofs", Mark.GOOD, words, asks, 1.0)


def counts(shown: list[Line]) -> dict[str, int]:
    """How many lines have each mark."""
    return {mark.value: sum(line.mark is mark for line in shown) for mark in Mark}


def in_words(shown: list[Line]) -> str:
    """ "5 green, 2 amber, 1 red", for those who do not see the marks."""
    words = {Mark.GOOD: "green", Mark.FAIR: "amber", Mark.BAD: "red"}
    return ", ".join(_each(shown, words))


def _each(shown: list[Line], words: dict[Mark, str]) -> Iterator[str]:
    for mark, word in words.items():
        if number := sum(line.mark is mark for line in shown):
            yield f"{number} {word}"


def _above(value: float, green: float, amber: float) -> Mark:
    return Mark.GOOD if value >= green else Mark.FAIR if value >= amber else Mark.BAD


def _sure(probability: float) -> str:
    """Never all or nothing: a sample proves neither."""
    return "Over 99%" if probability > 0.99 else "Under 1%" if probability < 0.01 else f"{probability:.0%}"


def _why_not(found: Findings, needed: str, least: int) -> str:
    """Why the combinations of a search say nothing: they are none, do not move, or the period is too short."""
    if not found["family"]:
        return "Nothing to search."
    if not found["telling"]:
        return f"None of {found['family']:,} combinations traded."
    if found["telling"] < least:
        return f"All of {found['family']:,} combinations that traded did the same."
    return f"Too few sessions for {needed}."


def _cost(value: float) -> str:
    """Of what is lost; 0.0% without a sign."""
    return f"{value:+.1%}" if abs(value) >= 0.0005 else "0.0%"


def _score(value: float | None, objective: Objective) -> str:
    return f"{value:+.1%}" if value is not None and objective is Objective.CAGR else _ratio(value)


def _ratio(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"
