"""Responses: what the calls send back. Times are written in UTC, with a Z; `*_pct` of a result is percent."""

from decimal import Decimal
from typing import overload

from pydantic import BaseModel, ConfigDict


class Schema(BaseModel):
    """Made of a model, a dataclass or a dict: what it declares is sent, and nothing else."""

    model_config = ConfigDict(from_attributes=True)


@overload
def percent(fraction: float) -> float: ...
@overload
def percent(fraction: None) -> None: ...
def percent(fraction: float | None) -> float | None:
    """0.12 as 12.0."""
    return None if fraction is None else 100 * fraction


def number(amount: Decimal | None) -> float | None:
    """A Decimal of the database as JSON has numbers; None stays None."""
    return None if amount is None else float(amount)
