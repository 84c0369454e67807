"""A finding: what is doubtful about the bars of a series, when, and in one sentence."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

from tradedesk.core.bars import Times, to_datetime
from tradedesk.marketdata.sessions import NEW_YORK

# A message names this many places; a series keeps this many spans of a finding, and the rest as one.
SHOWN, KEPT = 5, 100
# The findings that a trader may accept by name. Of the others, nothing in the bars can be right.
ACCEPTABLE = ("split", "bad_tick", "seam", "outside_session")
# Every finding as a sentence for a trader. The longest stretch is the one from {since} to {until}.
MESSAGES = {
    "spacing": "The bars are {note}.",
    "future": "Bars later than now: {count:,}, the first at {since}.",
    "running_bar": "Bars left out because they have not closed yet: {count:,}, the first at {since}.",
    "split": "The price steps as at a share split that it is not adjusted for: {places}.",
    "bad_tick": "Bars far from their neighbours on both sides, as bad ticks are: {places}.",
    "seam": "Stored and new bars were not adjusted at the same time: {places}. Download the whole history again.",
    "jump": "The price steps, and later comes back by as much: {places}.",
    "gap": "Missing {note}: {count:,}; the longest gap has {longest:,}, from {since} to {until}.",
    "outside_session": "Bars outside the regular sessions of the exchange: {count:,}, {places}.",
    "flat": "Bars that repeat all prices of the bar before: {count:,}; the longest stretch has {longest:,}, "
    "from {since} to {until}.",
    "zero_volume": "Bars without volume: {count:,}; the longest stretch has {longest:,}, from {since} to {until}.",
    "corrected": "Bars that the feed changed after it had delivered them: {count:,}, {places}.",
    "late": "Bars that arrived after a later one: {count:,}, {places}.",
    "rescaled": "The whole history was downloaded again: {places}.",
    "hides": "These bars hide the {note} series of the same symbol.",
}


@dataclass(frozen=True, slots=True)
class Span:
    """Where a finding is: from the time of one bar to that of another, both included (aware, UTC).

    count: the bars in it that are concerned, or the sessions that are missing. note: a word on it, such as "4:1".
    place: its row in a file, such as "Line 7". accepted: a trader has accepted it.
    """

    start: datetime
    end: datetime
    count: int = 1
    note: str = ""
    place: str = ""
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """hard: the bars cannot be believed until it is accepted. spans: in the order of time, at least one."""

    name: str
    hard: bool
    spans: tuple[Span, ...]

    @property
    def count(self) -> int:
        """The number of bars, or of missing sessions."""
        return sum(span.count for span in self.spans)

    @property
    def is_open(self) -> bool:
        """Hard, and not accepted everywhere."""
        return self.hard and not all(span.accepted for span in self.spans)

    @property
    def acceptable(self) -> bool:
        return self.name in ACCEPTABLE and not all(span.accepted for span in self.spans)

    @property
    def places(self) -> str:
        """The first five places: "2023-05-26 (100 times its neighbours, line 101), 2023-08-09 and 3 more"."""
        shown = ", ".join(map(_place, self.spans[:SHOWN]))
        more = self.count - sum(span.count for span in self.spans[:SHOWN])
        return f"{shown} and {more:,} more" if more > 0 else shown

    @property
    def message(self) -> str:
        longest = max(self.spans, key=lambda span: span.count)
        return MESSAGES[self.name].format(
            count=self.count,
            places=self.places,
            note=self.spans[0].note,
            longest=longest.count,
            since=_when(longest.start),
            until=_when(longest.end),
        )

    def within(self, start: datetime | None, end: datetime | None) -> "Finding | None":
        """The part of it that lies between these times, both included; None if there is none."""
        spans = tuple(
            span
            for span in self.spans
            if (start is None or span.end >= start) and (end is None or span.start <= end)
        )
        return replace(self, spans=spans) if spans else None

    def accept(self, known: "Iterable[Finding]", names: Iterable[str]) -> "Finding":
        """The same with every span accepted that `known` findings have as accepted, or all if it is in `names`."""
        before = {
            span.start for finding in known if finding.name == self.name for span in finding.spans if span.accepted
        }
        every = self.name in names
        return replace(self, spans=tuple(replace(s, accepted=every or s.start in before) for s in self.spans))

    def placed(self, place: Callable[[datetime], str]) -> "Finding":
        """The same with the row of the file at each span that begins in the file; place gives "" for others."""
        return replace(self, spans=tuple(replace(span, place=place(span.start)) for span in self.spans))


def finding(name: str, spans: Sequence[Span], *, hard: bool = False) -> list[Finding]:
    """One finding, or none without spans. Beyond KEPT spans, the last one has all others."""
    if len(spans) > KEPT:
        rest = spans[KEPT - 1 :]
        spans = [*spans[: KEPT - 1], Span(rest[0].start, rest[-1].end, sum(span.count for span in rest))]
    return [Finding(name, hard, tuple(spans))] if spans else []


def span(times: Times, first: int, last: int, count: int | None = None, note: str = "") -> Span:
    """The span of the rows from `first` to `last`; count: of all its rows if not given."""
    return Span(
        to_datetime(times[first]), to_datetime(times[last]), last - first + 1 if count is None else count, note
    )


def with_newer(known: Iterable[Finding], seen: Iterable[Finding], last: datetime) -> list[Finding]:
    """`known` findings of a series, and of those `seen` among its newest bars what ends at `last`, the bar that
    was the last one, or later. A stretch that both have is one."""
    spans = {(each.name, each.hard): list(each.spans) for each in known}
    for each in seen:
        before = spans.setdefault((each.name, each.hard), [])
        for newer in each.spans:
            if newer.end < last:
                continue
            if before and before[-1].end >= newer.start:
                older = before.pop()
                newer = replace(older, end=newer.end, count=max(older.count, newer.count))
            before.append(newer)
    return [found for (name, hard), each in spans.items() for found in finding(name, each, hard=hard)]


def as_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as the column of a series keeps them."""
    return [
        {
            "name": each.name,
            "hard": each.hard,
            "spans": [[s.start.isoformat(), s.end.isoformat(), s.count, s.note, s.accepted] for s in each.spans],
        }
        for each in findings
    ]


def from_json(rows: Iterable[Mapping[str, Any]]) -> list[Finding]:
    return [Finding(row["name"], row["hard"], tuple(_span(*values) for values in row["spans"])) for row in rows]


def _span(start: str, end: str, count: int, note: str, accepted: bool) -> Span:
    return Span(datetime.fromisoformat(start), datetime.fromisoformat(end), count, note, accepted=accepted)


def _when(moment: datetime) -> str:
    """A daily bar by its date, another one also by its time in New York."""
    local = moment.astimezone(NEW_YORK)
    return f"{local:%Y-%m-%d}" if local.time() == time() else f"{local:%Y-%m-%d %H:%M} ET"


def _place(span: Span) -> str:
    details = ", ".join(filter(None, (span.note, span.place.lower())))
    return f"{_when(span.start)} ({details})" if details else _when(span.start)
