"""The format of a symbol. A symbol becomes part of a file path, so anything else is refused."""

import re

SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,14}", re.ASCII | re.IGNORECASE)


class InvalidSymbol(ValueError):
    """The message describes the format of a symbol."""


def clean_symbol(text: str) -> str:
    """The symbol in upper case, without surrounding spaces. Raises InvalidSymbol."""
    symbol = text.strip()
    if not SYMBOL.fullmatch(symbol):
        raise InvalidSymbol(
            f"“{text}” is not a symbol. Use 1 to 15 letters, digits, dots or hyphens, "
            "starting with a letter or a digit: AAPL, BRK.B."
        )
    return symbol.upper()
