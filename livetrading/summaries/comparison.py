"""A live strategy beside its backtest, for the page and the API: a constant number of queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Count, Max, Sum

from livetrading.beside.cone import LEAST_CLOSED
from livetrading.beside.figures import place_text
from livetrading.models import ComparedFill, Comparison, DecisionReplay, LiveStrategy
from livetrading.services.wording import counted, dollars

DAY = 24 * 60 * 60  # seconds
State = Literal["waiting", "computing", "failed", "ready"]


@dataclass(frozen=True, slots=True)
class MatchRow:
    match: str
    label: str
    count: int
    effect: float


@dataclass(frozen=True, slots=True)
class Nights:
    """last: the newest night with decisions or trouble. sessions, decisions, identical: of all nights that are
    kept."""

    last: DecisionReplay
    sessions: int
    decisions: int
    identical: int


@dataclass(frozen=True, slots=True)
class ShownComparison:
    """state: "waiting" for the first check, "computing", "failed" or "ready". place: a sentence, or why there is
    none. expected: the range at the last session as a sentence, "" without one. notes: what to know of it."""

    state: State
    row: Comparison | None
    figures: Mapping[str, Any]
    matches: list[MatchRow]
    place: str
    expected: str
    notes: list[str]
    nights: Nights | None

    @property
    def median(self) -> str:
        """Of the range; "" without one."""
        return dollars(self.figures["range"][2]) if self.expected else ""

    @property
    def is_outside(self) -> bool:
        return self.figures.get("place") in ("below", "above")


def read_comparison(live: LiveStrategy, *, columns: bool = False) -> ShownComparison:
    """Three queries, without the curves unless they are asked for."""
    rows = Comparison.objects.filter(live_strategy=live)
    row = (rows.defer("expected") if columns else rows.defer("expected", "columns")).first()
    figures = row.figures if row else {}
    return ShownComparison(
        _state(live, row),
        row,
        figures,
        _matches(figures) if figures else [],
        _place(figures) if figures else "",
        _expected(figures, row),
        _notes(figures) if figures else [],
        read_nights(live),
    )


def read_nights(live: LiveStrategy) -> Nights | None:
    """Two queries; one before the first night."""
    rows = DecisionReplay.objects.filter(live_strategy=live)
    last = rows.exclude(decisions=0, fills=0, error="").first()
    if last is None:
        return None
    sums = rows.filter(decisions__gt=0).aggregate(
        sessions=Count("pk"), decisions=Sum("decisions"), identical=Sum("identical"), last=Max("session")
    )
    return Nights(last, sums["sessions"], sums["decisions"] or 0, sums["identical"] or 0)


def _state(live: LiveStrategy, row: Comparison | None) -> State:
    if row is None or row.computed_at is None:
        return "computing" if live.last_check_at else "waiting"
    return "ready" if row.figures else "failed"


def _matches(figures: Mapping[str, Any]) -> list[MatchRow]:
    rows = [
        MatchRow(match.value, str(match.label), *figures["matches"][match.value]) for match in ComparedFill.Match
    ]
    count, effect = figures["sizes"]
    return [*rows, MatchRow("sizes", "Of these, other size", count, effect)] if count else rows


def _place(figures: Mapping[str, Any]) -> str:
    if figures["place"]:
        return place_text(figures)
    if figures["range_problem"]:
        return str(figures["range_problem"])
    if figures["range"] is None:
        return "The expected range ends after ten years."
    return f"Too early to judge: {figures['closed_trades']} of {LEAST_CLOSED} closed trades."


def _expected(figures: Mapping[str, Any], row: Comparison | None) -> str:
    if row is None or not figures.get("range"):
        return ""
    return f"{dollars(figures['range'][0])} to {dollars(figures['range'][-1])}"


def _notes(figures: Mapping[str, Any]) -> list[str]:
    notes = []
    if figures["edited"]:
        notes.append("Its settings were edited; the backtest uses today's for the whole stretch.")
    if figures["shared_account"] and figures["sizes"][0]:
        notes.append(
            "The account trades other strategies too, so its equity gives another size than the backtest's."
        )
    if figures["handed_over"]:
        lots = counted(figures["handed_over"], "position")
        notes.append(f"{lots} of an earlier version {'is' if figures['handed_over'] == 1 else 'are'} left out.")
    return notes


def chart_columns(stored: dict[str, list[Any]]) -> dict[str, Any]:
    """The stored curves as the chart draws them (docs/frontend.md): by day, and null where the cone has ended."""
    length = len(stored.get("time", []))
    columns: dict[str, Any] = {
        name: [*values, *[None] * (length - len(values))] for name, values in stored.items()
    }
    return {"unit": "day", **columns, "time": [second // DAY for second in columns.get("time", [])]}
