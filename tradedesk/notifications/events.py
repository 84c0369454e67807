"""The events that the desk notifies of. Each is declared once; pages, preferences and the API are made from it."""

from enum import StrEnum

from django.db.models import IntegerChoices


class Priority(IntegerChoices):
    """How soon a person has to look. LOW: whenever they like. CRITICAL: money is at risk until they act."""

    LOW = 1
    NORMAL = 2
    HIGH = 3
    CRITICAL = 4


class Event(StrEnum):
    """key, label, priority unless the notification has another one, whether a user may switch it off everywhere,
    and whether it goes out to email and other channels unless the user chose otherwise. In the inbox every event
    is on at first."""

    label: str
    priority: Priority
    can_be_muted: bool
    goes_out: bool

    DEPLOYED = "deployed", "Strategy deployed", Priority.LOW, True, False
    ORDER_FILLED = "order_filled", "Order filled", Priority.NORMAL, True, True
    ORDER_REJECTED = "order_rejected", "Order not accepted by the broker", Priority.HIGH, True, True
    ORDER_BLOCKED = "order_blocked", "Order held back by the desk", Priority.NORMAL, True, False
    SIGNAL = "signal", "Signal waits for approval", Priority.HIGH, True, True
    LIMIT_TRIPPED = "limit_tripped", "Limit tripped", Priority.HIGH, True, True
    HALT = "halt", "Trading stopped or resumed", Priority.HIGH, False, True
    SIZE = "size", "Size of a live strategy", Priority.HIGH, False, True
    MODE = "mode", "Paper or live mode", Priority.HIGH, False, True
    KILL_SWITCH = "kill_switch", "Kill switch", Priority.CRITICAL, False, True
    STRATEGY_ERROR = "strategy_error", "Strategy failed", Priority.HIGH, False, True
    MISSED_CHECKS = "missed_checks", "Checks missed", Priority.HIGH, False, True
    DIFFERENCE = "difference", "Records differ from the broker's", Priority.HIGH, False, True
    CORPORATE_ACTION = "corporate_action", "Split or change of symbol", Priority.HIGH, True, True
    LEFT_RANGE = "left_range", "Outside the expected range", Priority.HIGH, True, True
    DECISIONS_DIFFER = "decisions_differ", "Decisions differ when repeated", Priority.NORMAL, True, False
    DAILY_SUMMARY = "daily_summary", "Daily summary", Priority.LOW, True, True
    CHANNEL_FAILED = "channel_failed", "Channel does not work", Priority.HIGH, True, False
    RESEARCH_FINISHED = "research_finished", "Search finished", Priority.LOW, True, False

    def __new__(cls, key: str, label: str, priority: Priority, can_be_muted: bool, goes_out: bool) -> "Event":
        event = str.__new__(cls, key)
        event._value_ = key
        event.label, event.priority = label, priority
        event.can_be_muted, event.goes_out = can_be_muted, goes_out
        return event


# The longest key that the database stores.
KEY_LENGTH = 24


LABELS = {event.value: event.label for event in Event}


def label_of(key: str) -> str:
    """The label of an event; of one that the desk no longer has, its key."""
    return LABELS.get(key, key)
