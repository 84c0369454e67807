from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.audit.chain import Content, breaks, hash_of, plain

TIME = datetime(2026, 3, 5, 21, 0, 0, 123456, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def chain_of(number: int) -> tuple[list[tuple[Content, str]], tuple[int, str]]:
    """Records 1 to `number`, and the end of the chain."""
    records, last = [], ""
    for sequence in range(1, number + 1):
        content = Content(sequence, TIME, "alice@example.com", 7, "pause", "livestrategy", "3", {"n": sequence})
        last = hash_of(last, content)
        records.append((content, last))
    return records, (number, last)


@pytest.mark.parametrize("number", [0, 1, 5])
def test_a_whole_chain_has_no_break(number: int) -> None:
    assert list(breaks(*chain_of(number))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"time": TIME + timedelta(microseconds=1)},
        {"actor": "bob@example.com"},
        {"user_id": None},
        {"action": "stop"},
        {"subject_type": "brokeraccount"},
        {"subject_id": "4"},
        {"details": {"n": 4}},
        {"via": "page"},
        {"through": "manage.py halt_trading"},
        {"address": "203.0.113.7"},
    ],
)
def test_a_changed_record_is_named(change: dict[str, Any]) -> None:
    records, end = chain_of(5)
    records[2] = (replace(records[2][0], **change), records[2][1])
    assert [each[:9] for each in breaks(records, end)] == ["Record 3 "]


def test_a_record_that_was_changed_with_its_hash_breaks_the_next_one() -> None:
    records, end = chain_of(5)
    forged = replace(records[2][0], actor="bob@example.com")
    records[2] = (forged, hash_of(records[1][1], forged))
    assert [each[:9] for each in breaks(records, end)] == ["Record 4 "]


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (slice(0, 1), "Record 1 is missing: record 2 follows 0."),
        (slice(1, 3), "Records 2 to 3 are missing: record 4 follows 1."),
        (slice(4, 5), "The audit ends with record 4, but 5 were written."),
    ],
)
def test_removed_records_are_named_and_those_after_them_still_count(missing: slice, named: str) -> None:
    records, end = chain_of(5)
    del records[missing]
    assert list(breaks(records, end)) == [named]


def test_every_break_is_named() -> None:
    records, end = chain_of(9)
    for at in (6, 2):
        records[at] = (replace(records[at][0], action="stop"), records[at][1])
    del records[4]
    assert [each.partition(" was ")[0].partition(" is ")[0] for each in breaks(records, end)] == [
        "Record 3",
        "Record 5",
        "Record 7",
    ]


def test_a_record_of_before_the_origin_was_noted_keeps_its_hash() -> None:
    """The form of then, written out: rows of old databases were hashed so."""
    content = chain_of(1)[0][0][0]
    then = '[1,"2026-03-05T21:00:00.123456+00:00","alice@example.com",7,"pause","livestrategy","3",{"n":1}]'
    assert hash_of("", content) == sha256(f"\n{then}".encode()).hexdigest()


def test_an_old_record_is_followed_by_one_with_its_origin() -> None:
    records, (_, last) = chain_of(2)
    content = Content(3, TIME, "the desk", 7, "fill", "order", "3", {}, "page", "", "203.0.113.7")
    end = (3, hash_of(last, content))
    assert list(breaks([*records, (content, end[1])], end)) == []
    without = replace(content, via="", address="")
    assert [each[:9] for each in breaks([*records, (without, end[1])], end)] == ["Record 3 "]


def test_the_zone_of_a_time_does_not_count() -> None:
    content = chain_of(1)[0][0][0]
    elsewhere = replace(content, time=TIME.astimezone(timezone(timedelta(hours=-5))))
    assert hash_of("", elsewhere) == hash_of("", content)


@given(JSON)
def test_what_is_plain_stays_the_same_and_can_be_hashed(value: Any) -> None:
    once = plain(value)
    assert plain(once) == once
    assert len(hash_of("", Content(1, TIME, "", None, "", "", "", once))) == 64


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1.50"), "1.50"),
        (float("nan"), "nan"),
        (1e22, "1e+22"),
        (TIME, "2026-03-05T21:00:00.123456+00:00"),
        (("a", {"b": Decimal(1)}), ["a", {"b": "1"}]),
        ("a\0b", "ab"),
        ("\ud800", "?"),
    ],
)
def test_what_json_does_not_have_becomes_text(value: Any, expected: Any) -> None:
    assert plain(value) == expected
