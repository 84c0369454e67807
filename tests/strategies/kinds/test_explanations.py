"""Explanations show different numbers as different, and name crossings and levels."""

import pytest

from strategies.kinds.explanations import crossing_text, distinct_decimals, level_text


@pytest.mark.parametrize(
    ("first", "second", "decimals"),
    [(52.31, 52.07, 2), (52.314, 52.312, 3), (0.00041, 0.00038, 5), (30.0, 30.0, 2), (29.96, 30.0, 2)],
)
def test_different_numbers_are_shown_as_different(first: float, second: float, decimals: int) -> None:
    assert distinct_decimals(first, second) == decimals


@pytest.mark.parametrize(
    ("side", "first", "second", "text"),
    [
        (1, 52.31, 52.07, "SMA 10 (52.31) crossed above SMA 30 (52.07)"),
        (-1, 52.071, 52.072, "SMA 10 (52.071) crossed below SMA 30 (52.072)"),
        (0, 1052.31, 52.07, "SMA 10 (1,052.31) is above SMA 30 (52.07)"),
        (0, 52.07, 52.31, "SMA 10 (52.07) is below SMA 30 (52.31)"),
        (0, 52.07, 52.07 + 1e-13, "SMA 10 (52.07) equals SMA 30 (52.07)"),
    ],
)
def test_the_text_of_a_crossing(side: int, first: float, second: float, text: str) -> None:
    assert crossing_text(side, "SMA 10", first, "SMA 30", second) == text


@pytest.mark.parametrize(
    ("side", "value", "text"),
    [
        (1, 28.4, "RSI 28.4 crossed below 30"),
        (1, 31.0, "RSI 31.0 crossed above 30"),
        (-1, 71.0, "RSI 71.0 crossed above 70.5"),
        (-1, 29.0, "RSI 29.0 crossed below 70.5"),
        (0, 29.98, "RSI 29.98 is below 30"),
        (0, 1070.0, "RSI 1,070.0 is above 70.5"),
        (0, 30.0, "RSI 30.0 is between 30 and 70.5"),
        (0, 30.0 - 1e-7, "RSI 30.0 is between 30 and 70.5"),
        (0, 70.5, "RSI 70.5 is between 30 and 70.5"),
    ],
)
def test_the_text_of_a_value_and_two_levels(side: int, value: float, text: str) -> None:
    assert level_text(side, "RSI", value, 30.0, 70.5) == text
