"""Every word of Alpaca's specification means something to the desk, and an unknown one stops nothing."""

import pytest

from livetrading.brokers.alpaca import words
from livetrading.models import AccountActivity

# As the specification lists them, without the one that is the usual state of an account.
STATES = (
    "new partially_filled filled done_for_day canceled expired replaced pending_cancel pending_replace accepted "
    "pending_new accepted_for_bidding stopped rejected suspended calculated held"
)
ACTIVITIES = (
    "TRANS ACATC ACATS CFEE CGD CSD CSW DIV DIVCGL DIVCGS DIVFEE DIVFT DIVNRA DIVROC DIVTW DIVTXEX FEE INT INTNRA "
    "INTTW JNL JNLC JNLS PTC PTR SPLIT FOPT OCT"
)
OTHERS = "MISC MA NC OPASN OPCA OPCSH OPEXC OPEXP OPTRD REO REORG SPIN"
ACCOUNTS = (
    "INACTIVE ONBOARDING SUBMISSION_FAILED SUBMITTED ACCOUNT_UPDATED APPROVAL_PENDING REJECTED ACCOUNT_CLOSED "
    "APPROVED ACCOUNT_CLOSED_PENDING ACTION_REQUIRED"
)


def test_the_states_of_orders_are_those_of_the_specification() -> None:
    assert set(words.ORDER_STATES) == set(STATES.split())
    ended = {word: state for word, state in words.ORDER_STATES.items() if state != "working"}
    assert ended == {
        "filled": "filled",
        "canceled": "cancelled",
        "replaced": "cancelled",
        "expired": "expired",
        "rejected": "rejected",
    }
    assert words.state_of("pondering") == "unknown"


def test_the_kinds_of_activities_are_those_of_the_specification_and_of_the_desk() -> None:
    assert set(words.ACTIVITY_KINDS) == set(ACTIVITIES.split())
    assert {words.kind_of(word) for word in OTHERS.split()} == {"other"}
    assert {*words.ACTIVITY_KINDS.values(), *words.TRADES.values()} - {"fill"} <= set(AccountActivity.Kind.values)


def test_the_states_of_accounts_that_take_no_orders() -> None:
    assert set(words.ACCOUNT_STATUSES) == set(ACCOUNTS.split())


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ("potential wash trade detected. use complex orders", "wash-trade rule"),
        ("insufficient qty available for order (requested: 5, available: 0)", "hold the shares"),
        ("insufficient buying power", "buying power"),
        ("cost basis must be >= minimal amount of order 1", "$1"),
        ("invalid limit_price 20.123. sub-penny increment does not fulfill", "decimals"),
        ("requested asset is not fractionable", "whole shares"),
        ("fractional orders must be DAY orders", "for the day"),
        ("asset AAPL is not tradable", "cannot be traded"),
        ('asset "NONE" not found', "does not know"),
        ("stop price must be less than current price", "below the stop"),
        ("account is not allowed to trade", "blocked trading"),
        ("new orders are rejected by user request", "suspended"),
        ("opg orders are not accepted after 9:28am and before 7:00pm ET", "opening auction"),
        ("extended hours order must be DAY or GTC limit orders", "limit orders"),
        ("trading halt on symbol", "halted"),
        ("price outside LULD bands", "LULD"),
        ("the moon is full", "Alpaca refused the order: the moon is full"),
        ("", "without a reason"),
    ],
)
def test_a_refusal_is_a_sentence_that_keeps_the_words_of_alpaca(message: str, part: str) -> None:
    sentence = words.refusal(message)
    assert part in sentence
    assert message in sentence
