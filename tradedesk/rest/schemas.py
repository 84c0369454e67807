"""Responses of the API. Times are written in UTC, with a Z; `*_pct` of a result is percent."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Schema(BaseModel):
    """A response, read from the attributes of an object or from a dict. Only declared fields are sent."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, source: object, **values: object) -> Self:
        """From the attributes of `source`; `values` replace or add attributes."""
        return cls.model_validate(_Overlay(source, values))


class _Overlay:
    """The attributes of `source`, where `values` take precedence."""

    def __init__(self, source: object, values: Mapping[str, object]) -> None:
        self.__source = source
        self.__dict__ |= values

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__source, name)


def _in_percent(fraction: float) -> float:
    return 100 * fraction


# A fraction of the desk, 0.12, as the API sends it: 12.0.
Percent = Annotated[float, BeforeValidator(_in_percent)]
# For a nullable field: an empty text or dict is sent as null.
EmptyAsNull = BeforeValidator(lambda value: value or None)
