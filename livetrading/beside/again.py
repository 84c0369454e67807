"""The decisions of a session made again: on time, with the bars as they are stored now and today's code, by the
same `evaluate` and `decide` as the check. What the desk knew besides the bars (its book, the account's equity, the
rules) is taken from the log (pipeline/basis.py)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np

from livetrading.beside.causes import Answer, Difference, cause_of, compare
from livetrading.models import BarDecision, LiveStrategy
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.pipeline.basis import Inputs, decision_code
from livetrading.pipeline.decide import Decision, decide
from livetrading.pipeline.evaluate import Evaluation, SignalEvent, evaluate
from livetrading.pipeline.validity import close_of
from tradedesk.core.bars import to_datetime
from tradedesk.core.signals import Side
from tradedesk.marketdata import sessions

_MOMENT = timedelta(microseconds=1)
Key = tuple[str, datetime]


class NotNow(Exception):
    """The time for kinds of plugins is over; another run does it."""


def decide_again(live: LiveStrategy, session: date) -> tuple[int, list[Difference], Evaluation]:
    """The number of decisions of the session, those that differ, and what was evaluated. Raises NotNow, and what
    evaluating raises."""
    before, close = bar_before(live.timeframe, session), sessions.session_close(session)
    recorded = {
        (row.symbol, row.bar_time): row
        for row in live.decisions.filter(bar_time__gt=before, bar_time__lte=close)
        if close_of(row.bar_time, live.timeframe) <= close
    }
    evaluation = _evaluated(live, before, close)
    again = _events(evaluation, before)
    answers = dict(_answers(recorded, again))
    count, differences = 0, list[Difference]()
    for key in sorted(recorded.keys() | again.keys(), key=lambda key: (key[1], key[0])):
        row, event = recorded.get(key), again.get(key)
        if row is None and not _expected(live, key, event):
            continue
        count += 1
        now = answers.get(key, Answer.of_event(event)) if key in again else None
        if row is None:
            differences.append(_not_recorded(live, key, event, now))
        elif (difference := compare(row, now, event, decision_code(live.kind))) is not None:
            differences.append(difference)
    return count, differences, evaluation


def bar_before(timeframe: str, session: date) -> datetime:
    """A moment between the last bar before the session and the first that closes in it."""
    day = sessions.daily_times(np.array([session], "M8[D]"))
    first, _ = sessions.bar_dates(day, timeframe)
    return sessions.daily_time(first[0].astype(object)) - _MOMENT


def _evaluated(live: LiveStrategy, before: datetime, close: datetime) -> Evaluation:
    """What a check at the close would see that had seen nothing since `before`."""
    twin = copy(live)
    twin.evaluated_bars, twin.last_bar_time = {}, before
    evaluations, errors = evaluate([twin], close)
    if live.pk in errors:
        raise errors[live.pk]
    if live.pk not in evaluations:
        raise NotNow
    return evaluations[live.pk]


def _events(evaluation: Evaluation, before: datetime) -> dict[Key, SignalEvent | None]:
    """What is signalled at each bar after `before`, on time; None for a HOLD whose values nobody needs."""
    found: dict[Key, SignalEvent | None] = {
        (symbol, to_datetime(time)): None
        for symbol, bars in evaluation.history.items()
        for time in bars.since(before).time
    }
    for event in evaluation.bars:
        found[event.symbol, event.bar_time] = replace(event, late=False, stale=False, feed_fails=False)
    return found


def _answers(
    recorded: Mapping[Key, BarDecision], again: Mapping[Key, SignalEvent | None]
) -> Iterator[tuple[Key, Answer]]:
    """What becomes of the signals of each bar, decided together with those that were checked together."""
    groups: defaultdict[tuple[datetime, datetime], list[BarDecision]] = defaultdict(list)
    inputs: dict[datetime, Inputs] = {}
    for row in recorded.values():
        groups[row.checked_at, row.bar_time].append(row)
        if "inputs" in row.basis:
            inputs[row.checked_at] = Inputs.from_dict(row.basis["inputs"])
    for (checked_at, bar_time), rows in groups.items():
        found = [again.get((row.symbol, bar_time)) for row in rows]
        events = [event for event in found if event is not None and event.side is not Side.HOLD]
        if checked_at not in inputs:
            continue  # nothing was decided, so a signal differs by its side
        for decision in _decided(events, inputs[checked_at]):
            event = decision.event
            yield (event.symbol, event.bar_time), Answer.of_decision(decision)


def _decided(events: Iterable[SignalEvent], inputs: Inputs) -> Iterator[Decision]:
    own = list(events)
    decisions = decide(
        own,
        inputs.book,
        inputs.rules,
        inputs.equity_state,
        inputs.entries_gate,
        inputs.bars_since_loss,
        None,
        inputs.size_fraction,
        inputs.assets,
    )
    yield from decisions
    decided = {decision.event.symbol for decision in decisions}
    yield from (Decision(event, Code.HELD) for event in own if event.symbol not in decided)


def _expected(live: LiveStrategy, key: Key, event: SignalEvent | None) -> bool:
    """Whether a bar without a decision should have one."""
    symbol, bar_time = key
    if symbol not in live.symbols or close_of(bar_time, live.timeframe) <= live.deployed_at:
        return False
    evaluated = live.last_evaluated(symbol)
    if evaluated is not None and evaluated >= bar_time:
        # After a long time without a check the older bars that signal nothing are not recorded.
        return event is not None and event.side is not Side.HOLD
    return live.is_checked


def _not_recorded(live: LiveStrategy, key: Key, event: SignalEvent | None, now: Answer | None) -> Difference:
    symbol, bar_time = key
    evaluated = live.last_evaluated(symbol)
    unseen = evaluated is None or evaluated < bar_time
    return Difference(
        symbol,
        bar_time,
        cause_of(None, None, event, "", late=unseen),
        "No check was made on this bar." if unseen else "The bar was not there when the symbol was checked.",
        {},
        now.evidence(event, "") if now else {},
    )
