"""Names that people give."""

import pytest

from tradedesk.core.names import name_problem


@pytest.mark.parametrize("name", ["Golden cross", "Größe 10 €", "移動平均", "naïve – 50%", ""])
def test_a_name_of_any_language_is_fine(name: str) -> None:
    assert name_problem(name) == ""


@pytest.mark.parametrize(
    "character", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u202e", "\u2066", "\u061c", "\x00", "\x1b", "\ud800"]
)
def test_a_name_has_no_invisible_character(character: str) -> None:
    assert "character" in name_problem(f"Golden{character}cross")
