"""The events: what each is worth, and what of it a user can switch off."""

import pytest

from tradedesk.notifications.events import KEY_LENGTH, Event, Priority, label_of

# priority, can be muted, goes out
EVENTS = {
    "deployed": (Priority.LOW, True, False),
    "order_filled": (Priority.NORMAL, True, True),
    "order_rejected": (Priority.HIGH, True, True),
    "order_blocked": (Priority.NORMAL, True, False),
    "signal": (Priority.HIGH, True, True),
    "limit_tripped": (Priority.HIGH, True, True),
    "halt": (Priority.HIGH, False, True),
    "mode": (Priority.HIGH, False, True),
    "size": (Priority.HIGH, False, True),
    "kill_switch": (Priority.CRITICAL, False, True),
    "strategy_error": (Priority.HIGH, False, True),
    "missed_checks": (Priority.HIGH, False, True),
    "difference": (Priority.HIGH, False, True),
    "corporate_action": (Priority.HIGH, True, True),
    "left_range": (Priority.HIGH, True, True),
    "decisions_differ": (Priority.NORMAL, True, False),
    "daily_summary": (Priority.LOW, True, True),
    "channel_failed": (Priority.HIGH, True, False),
    "research_finished": (Priority.LOW, True, False),
}


@pytest.mark.parametrize("event", list(Event))
def test_each_event_has_its_priority(event: Event) -> None:
    assert (event.priority, event.can_be_muted, event.goes_out) == EVENTS[event.value]


def test_keys_fit_the_database_and_labels_are_unique() -> None:
    assert len({event.label for event in Event}) == len(Event) == len(EVENTS)
    assert max(map(len, Event)) <= KEY_LENGTH


def test_an_event_that_the_desk_no_longer_has_is_shown_by_its_key() -> None:
    assert (label_of("halt"), label_of("comet")) == ("Trading stopped or resumed", "comet")
