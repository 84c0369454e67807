"""A small picture of each line of the evidence: columns, and where the result stands among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backtests.reports.scorecard import Scorecard
from backtests.research.robustness.report import Report

Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """values: the heights of columns. mark: a place between the first (0) and the last (their number), None
    without one. bars: (label, value, its share of the largest in percent) of a few figures beside each other.
    words: what has no figure, each with whether it holds."""

    label: str = ""
    values: list[float] = field(default_factory=list)
    mark: float | None = None
    bars: list[tuple[str, str, int]] = field(default_factory=list)
    words: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The values as <desk-spark> reads them."""
        return ",".join(f"{value:.6g}" for value in self.values)


def pictures_of(scorecard: Scorecard) -> dict[str, Picture]:
    """By the keys of the lines; a line without figures has none."""
    if not scorecard.lines:
        return {}
    report: Report = scorecard.subject.evidence.report
    chance = scorecard.chance
    found = {
        "chance": _chance(chance.sharpe, chance.by_chance) if chance else None,
        "against_holding": _holding(report.get("holding") or {}),
        "out_of_sample": _out_of_sample(report.get("out_of_sample") or {}),
        "walk_forward": _folds(report.get("walk_forward") or {}),
        "overfitting": _histogram((report.get("overfitting") or {}).get("logits"), 0.0, "Ranks out of sample"),
        "neighbours": _neighbours(report.get("neighbours") or {}),
        "monte_carlo": _drawdowns(report.get("monte_carlo") or {}),
        "costs": _costs(report),
        "checks": _checks(report.get("checks") or {}),
    }
    return {key: picture for key, picture in found.items() if picture is not None}


def _chance(sharpe: float | None, by_chance: float | None) -> Picture | None:
    return _compared([("This result", sharpe), ("By chance", by_chance)], "{:.2f}")


def _holding(holding: Mapping[str, Found]) -> Picture | None:
    if not holding:
        return None
    pairs = [("Strategy", holding["result"]["total_return"]), ("Holding", holding["benchmark"]["total_return"])]
    return _compared(pairs, "{:+,.0%}")


def _out_of_sample(found: Found) -> Picture | None:
    part = found.get("holdout_fraction", 0.0)
    pairs = [(f"First {1 - part:.0%}", found.get("in_sample")), (f"Last {part:.0%}", found.get("out_of_sample"))]
    return _compared(pairs, "{:.2f}") if found else None


def _folds(found: Found) -> Picture | None:
    scores = [fold["out_of_sample"] for fold in found.get("folds", ())]
    return Picture("Sharpe ratio of each fold", [score or 0.0 for score in scores]) if scores else None


def _neighbours(found: Found) -> Picture | None:
    """The scores in order; the mark is where the result would stand."""
    scores = sorted(each["score"] for each in found.get("scores", ()) if each["score"] is not None)
    if not scores or found.get("score") is None:
        return None
    return Picture("Neighbours by score", scores, float(sum(score < found["score"] for score in scores)))


def _drawdowns(found: Found) -> Picture | None:
    bootstrap = found.get("bootstrap") or {}
    return _histogram(bootstrap.get("drawdowns"), found.get("drawdown", 0.0), "Drawdowns of the draws")


def _histogram(stored: Mapping[str, Sequence[float]] | None, at: float, label: str) -> Picture | None:
    if not stored:
        return None
    edges = stored["edges"]
    width = (edges[-1] - edges[0]) or 1.0
    place = (at - edges[0]) / width * len(stored["counts"])
    return Picture(label, list(stored["counts"]), min(max(place, 0.0), float(len(stored["counts"]))))


def _costs(report: Report) -> Picture | None:
    costs = report.get("costs")
    if not costs or report.get("total_return") is None:
        return None
    second = "5 bp a side" if costs.get("assumed") else "Doubled"
    return _compared([("As tested", report["total_return"]), (second, costs["total_return"])], "{:+,.0%}")


def _checks(found: Mapping[str, Found]) -> Picture | None:
    names = {"look_ahead": "No look-ahead", "warmup": "Warm-up"}
    words = [(names[key], bool(each["passed"])) for key, each in found.items() if key in names]
    return Picture(words=words) if words else None


def _compared(pairs: Sequence[tuple[str, float | None]], written: str) -> Picture | None:
    """A bar for each value, as long as its share of the largest; one below zero has none."""
    known = [(label, value) for label, value in pairs if value is not None]
    if len(known) < len(pairs):
        return None
    largest = max(max(value for _, value in known), 0.0)
    bars = [
        (
            label,
            _signed(written.format(value)),
            round(100 * max(value, 0.0) / largest) if largest else 0,
        )
        for label, value in known
    ]
    return Picture(bars=bars)


def _signed(text: str) -> str:
    """With the minus of the pages; what rounds to zero has no sign."""
    return text.replace("-", "\N{MINUS SIGN}") if text.strip("+-.%0") else text.lstrip("+-")
