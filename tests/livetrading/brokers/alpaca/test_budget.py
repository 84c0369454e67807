"""The budget of requests: so many in any minute, the urgent ones first. The rule is pure."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from hypothesis import given
from hypothesis import strategies as st

from livetrading.brokers.alpaca.budget import (
    MINUTE,
    SLOT,
    SLOTS,
    UNSAID,
    Heard,
    RequestBudget,
    Urgency,
    heard_from,
    pause_before,
    pause_of,
)
from livetrading.brokers.protocol import TooManyRequests

U = Urgency


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from([U.REPORT, U.ENTRY])), max_size=120),
    st.integers(1, 12),
)
def test_no_minute_has_more_requests_than_the_budget(steps: list[tuple[float, Urgency]], most: int) -> None:
    cache.clear()
    clock = Clock()
    budget, sent, pauses = RequestBudget("any", most, clock), [], [timedelta(0)]
    for seconds, urgency in steps:
        clock.now += seconds
        try:
            budget.take(urgency)
        except TooManyRequests as error:
            pauses.append(error.retry_after)
        else:
            sent.append(clock.now)
    assert max(pauses) <= timedelta(seconds=MINUTE + SLOT)
    for first in sent:
        assert sum(first <= time < first + MINUTE for time in sent) <= most


@given(st.lists(st.integers(0, 50), min_size=SLOTS, max_size=SLOTS), st.floats(0, SLOT), st.integers(1, 60))
def test_what_has_waited_may_be_sent(slots: list[int], into_slot: float, most: int) -> None:
    """Nothing else is sent meanwhile: after the pause the old requests have left the minute."""
    slots[0] += 1
    pause = pause_before(slots, into_slot, most, U.ENTRY, None, 0.0)
    passed = round((pause + into_slot) / SLOT)
    later = [1, *[0] * (passed - 1), *slots][:SLOTS] if passed else slots
    if pause:
        later = [1, *([0] * (passed - 1)), slots[0] - 1, *slots[1:]][:SLOTS]
    assert pause_before(later, 0.0, most, U.ENTRY, None, 0.0) == 0.0


@given(
    st.lists(st.integers(0, 99), min_size=SLOTS, max_size=SLOTS),
    st.integers(1, 200),
    st.none() | st.builds(Heard, st.integers(0, 200), st.floats(0, 100)),
)
def test_the_more_urgent_never_waits_longer(slots: list[int], most: int, heard: Heard | None) -> None:
    exit_, report, entry = (pause_before(slots, 1.0, most, urgency, heard, 50.0) for urgency in U)
    assert exit_ == 0.0
    assert report <= entry


def test_entries_and_reports_leave_room_for_what_is_more_urgent() -> None:
    cache.clear()
    clock = Clock()
    budget = RequestBudget("room", 200, clock)
    for _ in range(140):
        budget.take(U.ENTRY)
    with pytest.raises(TooManyRequests):
        budget.take(U.ENTRY)
    for _ in range(40):
        budget.take(U.REPORT)
    with pytest.raises(TooManyRequests):
        budget.take(U.REPORT)
    for _ in range(40):
        budget.take(U.EXIT)
    clock.now += MINUTE + SLOT
    budget.take(U.ENTRY)


def test_accounts_have_budgets_of_their_own() -> None:
    cache.clear()
    RequestBudget("one", 1, Clock()).take(U.ENTRY)
    RequestBudget("two", 1, Clock()).take(U.ENTRY)
    with pytest.raises(TooManyRequests):
        RequestBudget("one", 1, Clock()).take(U.ENTRY)


def test_what_the_broker_says_counts_more_than_the_own_count() -> None:
    cache.clear()
    clock = Clock()
    budget = RequestBudget("heard", 200, clock)
    headers = {"X-RateLimit-Remaining": "15", "X-RateLimit-Reset": str(int(clock.now) + 30)}
    budget.note(headers, 200)
    for urgency in (U.ENTRY, U.REPORT):
        with pytest.raises(TooManyRequests) as raised:
            budget.take(urgency)
        assert raised.value.retry_after == timedelta(seconds=30)
    budget.take(U.EXIT)
    clock.now += 31
    budget.take(U.ENTRY)


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, UNSAID),
        ({"Retry-After": "7"}, 7.0),
        ({"X-RateLimit-Reset": "1020"}, 20.0),
        ({"X-RateLimit-Reset": "900"}, 1.0),
        # The desk's clock is five minutes behind, and five ahead.
        ({"X-RateLimit-Reset": "1320", "Date": "Thu, 01 Jan 1970 00:21:40 GMT"}, 20.0),
        ({"X-RateLimit-Reset": "720", "Date": "Thu, 01 Jan 1970 00:11:40 GMT"}, 20.0),
        ({"X-RateLimit-Reset": "1020", "Date": "today"}, 20.0),
        ({"Retry-After": "100000"}, MINUTE),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, UNSAID),
    ],
)
def test_the_pause_is_what_the_answer_says_within_a_minute(headers: dict[str, str], pause: float) -> None:
    assert pause_of(headers, 1000.0) == pause
    assert heard_from(headers, 429, 1000.0) == Heard(0, 1000.0 + pause)


def test_a_clock_that_is_behind_holds_reports_back_for_a_minute_at_most() -> None:
    headers = {"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "1320"}
    assert heard_from(headers, 200, 1000.0) == Heard(5, 1000.0 + MINUTE)
    assert heard_from(headers | {"Date": "Thu, 01 Jan 1970 00:21:40 GMT"}, 200, 1000.0) == Heard(5, 1020.0)


def test_an_answer_without_headers_says_nothing() -> None:
    assert heard_from({}, 200, 0.0) is None
    assert heard_from({"X-RateLimit-Remaining": "many", "X-RateLimit-Reset": "1"}, 200, 0.0) is None


def test_a_cache_that_fails_holds_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("livetrading.brokers.alpaca.budget.cache.incr", fail)
    monkeypatch.setattr("livetrading.brokers.alpaca.budget.cache.set", fail)
    budget = RequestBudget("broken", 1, Clock())
    budget.take(U.ENTRY)
    budget.take(U.ENTRY)
    budget.note({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999999999"}, 200)
