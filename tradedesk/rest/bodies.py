"""Request bodies: read strictly, so that nothing is taken for what it is not."""

import re
import unicodedata
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

WRITTEN_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Control characters and halves of surrogate pairs: the database keeps neither.
UNSTORABLE = ("Cc", "Cs")
# Whole numbers up to here survive every JSON reader.
LARGEST = 2**53


class Body(BaseModel):
    """No field that is not declared, no number as text, no true as 1, neither NaN nor infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _storable(text: str) -> str:
    if any(unicodedata.category(character) in UNSTORABLE for character in text):
        raise ValueError("This has a character that cannot be stored.")
    return text


def _encodable(text: str) -> str:
    if any(unicodedata.category(character) == "Cs" for character in text):
        raise ValueError("This has half a character.")
    return text


def _portable(number: int) -> int:
    if abs(number) > LARGEST:
        raise ValueError("This number is too large.")
    return number


def _day(written: Any) -> date:
    # Alone, pydantic would also take a count of seconds for a date.
    if isinstance(written, str) and WRITTEN_DAY.fullmatch(written):
        try:
            return date.fromisoformat(written)
        except ValueError:
            pass
    raise ValueError("Write a date like 2010-01-04.")


Text = Annotated[str, AfterValidator(_storable)]
Secret = Annotated[str, AfterValidator(_encodable)]
Whole = Annotated[int, AfterValidator(_portable)]
Day = Annotated[date, BeforeValidator(_day)]
