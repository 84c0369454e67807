"""Explanations show numbers that can be told apart."""

import pytest

from strategies.kinds.wording import crossing_words, level_words, places_apart


@pytest.mark.parametrize(
    ("first", "second", "places"),
    [(52.31, 52.07, 2), (52.314, 52.312, 3), (0.00041, 0.00038, 5), (30.0, 30.0, 2), (29.96, 30.0, 2)],
)
def test_two_numbers_that_differ_look_different(first: float, second: float, places: int) -> None:
    assert places_apart(first, second) == places


@pytest.mark.parametrize(
    ("side", "first", "second", "words"),
    [
        (1, 52.31, 52.07, "SMA 10 (52.31) crossed above SMA 30 (52.07)"),
        (-1, 52.071, 52.072, "SMA 10 (52.071) crossed below SMA 30 (52.072)"),
        (0, 1052.31, 52.07, "SMA 10 (1,052.31) stays above SMA 30 (52.07)"),
        (0, 52.07, 52.31, "SMA 10 (52.07) stays below SMA 30 (52.31)"),
        (0, 52.07, 52.07 + 1e-13, "SMA 10 (52.07) equals SMA 30 (52.07)"),
    ],
)
def test_a_crossing_is_put_into_words(side: int, first: float, second: float, words: str) -> None:
    assert crossing_words(side, "SMA 10", first, "SMA 30", second) == words


@pytest.mark.parametrize(
    ("side", "value", "words"),
    [
        (1, 28.4, "RSI 28.4 crossed below 30"),
        (1, 31.0, "RSI 31.0 crossed above 30"),
        (-1, 71.0, "RSI 71.0 crossed above 70.5"),
        (-1, 29.0, "RSI 29.0 crossed below 70.5"),
        (0, 29.98, "RSI 29.98 stays below 30"),
        (0, 1070.0, "RSI 1,070.0 stays above 70.5"),
        (0, 30.0, "RSI 30.0 is between 30 and 70.5"),
        (0, 30.0 - 1e-7, "RSI 30.0 is between 30 and 70.5"),
        (0, 70.5, "RSI 70.5 is between 30 and 70.5"),
    ],
)
def test_a_value_between_two_levels_is_put_into_words(side: int, value: float, words: str) -> None:
    assert level_words(side, "RSI", value, 30.0, 70.5) == words
