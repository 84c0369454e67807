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
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from tradedesk.core.names import is_storable

DIGITS = re.compile(r"[0-9]{1,16}")
DATE_FORMAT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# The largest whole number that every JSON reader keeps exactly.
LARGEST = 2**53
# Characters, and entries of a list or of a mapping; a service may allow less.
MAX_TEXT, MAX_ENTRIES, MAX_SYMBOLS = 500, 200, 50


class Body(BaseModel):
    """Refuses undeclared fields, numbers as text, true as 1, NaN and infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _storable(text: str) -> str:
    if not is_storable(text):
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


FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)


def _day(value: Any) -> date:
    # pydantic itself would also accept a number of seconds.
    if isinstance(value, str) and DATE_FORMAT.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            pass
        else:
            if FIRST_DAY <= day <= LAST_DAY:
                return day
            raise ValueError(f"Choose a date from {FIRST_DAY} to {LAST_DAY}.")
    raise ValueError("Write a date like 2010-01-04.")


def _number_or_text(value: Any, validate: ValidatorFunctionWrapHandler) -> float | str:
    """One message at the field, in place of one for each of the two types."""
    try:
        found: float | str = validate(value)
    except ValidationError:
        raise ValueError("Send a finite number or a text.") from None
    return found


def _id(value: Any) -> Any:
    """Programs keep long numbers as texts, because many languages round them."""
    return int(value) if isinstance(value, str) and DIGITS.fullmatch(value) else value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("Send a symbol, not an empty text.")
    return text


Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_storable)]
Secret = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_encodable)]
Whole = Annotated[int, AfterValidator(_portable)]
Symbols = Annotated[list[Annotated[Text, AfterValidator(_not_blank)]], Field(max_length=MAX_SYMBOLS)]
# The id of an object: a number, or its digits as a text.
Id = Annotated[
    Whole,
    BeforeValidator(_id),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9]{1,16}$"}]}),
]
Ids = Annotated[list[Id], Field(max_length=MAX_ENTRIES)]
Day = Annotated[date, BeforeValidator(_day)]
NumberOrText = Annotated[float | Text, WrapValidator(_number_or_text)]
