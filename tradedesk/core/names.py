"""Names that people give: what a page can show and a database can store."""

import unicodedata

# Control characters and lone surrogates, which PostgreSQL or UTF-8 refuses.
UNSTORABLE = ("Cc", "Cs")
# Characters without a shape: they turn the direction of a text, or make two names look the same.
HIDDEN = ("Cf", "Cn", "Co", "Zl", "Zp")


def is_storable(text: str) -> bool:
    return not any(unicodedata.category(character) in UNSTORABLE for character in text)


def name_problem(name: str) -> str:
    """Why this text cannot be a name, as a sentence; "" when it can."""
    if not is_storable(name):
        return "The name contains a character that cannot be stored."
    if any(unicodedata.category(character) in HIDDEN for character in name):
        return "The name contains an invisible character, such as a zero-width space. Type it again."
    return ""
