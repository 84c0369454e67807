"""A selection: the backtests that a page or a call names by their ids."""

from collections.abc import Iterable, Sequence
from typing import Any

from backtests.models import Backtest, Candidate, OptimizerRun
from tradedesk.accounts.models import User

# No database counts further, and Python reads no number of thousands of digits.
LARGEST_ID = 2**63 - 1
MAX_DIGITS = 40
STOPPED = "stopped"


class NotSelected(ValueError):
    """The ids name no selection; the message says why."""


class UnknownBacktest(NotSelected):
    """An id that names no backtest of the user's."""


def selected(user: User, ids: Iterable[str]) -> list[Backtest]:
    """The user's backtests with these ids, in their order and each once; a text may hold several: "3,1".

    Raises NotSelected for what is no id, and UnknownBacktest. One query.
    """
    words = [word.strip() for text in ids for word in text.split(",")]
    wanted = list(dict.fromkeys(_id_of(word) for word in words if word))
    found = user.backtests.in_bulk([pk for pk in wanted if pk <= LARGEST_ID])
    if missing := [pk for pk in wanted if pk not in found]:
        raise UnknownBacktest(f"There is no backtest {missing[0]}.")
    return [found[pk] for pk in wanted]


def deployments_of(backtests: Sequence[Backtest]) -> list[str]:
    """The names of what was deployed from them and is not stopped."""
    return _still_going(Backtest, backtest__in=backtests)


def deployments_of_run(run: OptimizerRun) -> list[str]:
    """The same of an optimizer run's rows."""
    return _still_going(Candidate, candidate__run=run)


def _still_going(model: type[Backtest | Candidate], **those: Any) -> list[str]:
    # The deployments belong to an app above this one: they are reached as a relation and never imported.
    deployments = model._meta.get_field("deployments").related_model
    going = deployments._default_manager.filter(**those).exclude(status=STOPPED)
    return list(going.order_by("name").values_list("name", flat=True))


def _id_of(word: str) -> int:
    found = number_in(word)
    if found is None:
        # Cut, so that a message never repeats a page of text.
        raise NotSelected(f"“{word[:MAX_DIGITS]}” is not the number of a backtest.")
    return found


def number_in(word: str) -> int | None:
    """The id that a text from an address is; None for what is none."""
    return int(word) if word.isascii() and word.isdecimal() and len(word) <= MAX_DIGITS else None
