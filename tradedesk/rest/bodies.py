"""Request bodies, validated strictly: no conversion between types."""

import re
import unicodedata
from datetime import date
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

DATE_FORMAT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Unicode categories that PostgreSQL or UTF-8 refuses: control characters and lone surrogates.
UNSTORABLE = ("Cc", "Cs")
# The largest whole number that every JSON reader keeps exactly.
LARGEST = 2**53


class Body(BaseModel):
    """Refuses undeclared fields, numbers as text, true as 1, NaN and infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _storable(text: str) -> str:
    if any(unicodedata.category(character) in UNSTORABLE for character in text):
        raise ValueError("This text has a character that cannot be stored.")
    return text


def _encodable(text: str) -> str:
    if any(unicodedata.category(character) == "Cs" for character in text):
        raise ValueError("This text is not valid Unicode.")
    return text


def _portable(number: int) -> int:
    if abs(number) > LARGEST:
        raise ValueError("This number is too large.")
    return number


def _day(value: Any) -> date:
    # pydantic itself would also accept a number of seconds.
    if isinstance(value, str) and DATE_FORMAT.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("Write a date like 2010-01-04.")


def _number_or_text(value: Any, validate: ValidatorFunctionWrapHandler) -> float | str:
    """One message at the field, in place of one for each of the two types."""
    try:
        found: float | str = validate(value)
    except ValidationError:
        raise ValueError("Send a finite number or a text.") from None
    return found


Text = Annotated[str, AfterValidator(_storable)]
Secret = Annotated[str, AfterValidator(_encodable)]
Whole = Annotated[int, AfterValidator(_portable)]
Day = Annotated[date, BeforeValidator(_day)]
NumberOrText = Annotated[float | Text, WrapValidator(_number_or_text)]
