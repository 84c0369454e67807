"""What a symbol may look like; it becomes part of a file's path, so nothing else gets through."""

import re

SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,14}", re.ASCII | re.IGNORECASE)


class InvalidSymbol(ValueError):
    """The message says what a symbol looks like."""


def clean_symbol(text: str) -> str:
    """The symbol in capitals, without surrounding space. Raises InvalidSymbol."""
    symbol = text.strip()
    if not SYMBOL.fullmatch(symbol):
        raise InvalidSymbol(
            f"“{text}” is not a symbol. Use 1 to 15 letters, digits, dots or hyphens, "
            "starting with a letter or a digit: AAPL, BRK.B."
        )
    return symbol.upper()
