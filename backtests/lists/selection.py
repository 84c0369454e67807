"""Backtests selected by their ids, in an address or an API call."""

from collections.abc import Iterable, Sequence
from typing import Any

from backtests.models import Backtest, Candidate, OptimizerRun
from strategies.activity import STOPPED
from tradedesk.accounts.models import User

# The largest id of a database; and Python refuses to read a number of thousands of digits.
LARGEST_ID = 2**63 - 1
MAX_DIGITS = 40
# Of a selection that is refused, so many stay selected: a page of the list has fewer.
MAX_KEPT = 50


class InvalidSelection(ValueError):
    """The ids do not select backtests; the message says why."""


class UnknownBacktest(InvalidSelection):
    """The user has no backtest with this id."""


def known(user: User, ids: Iterable[str]) -> list[Backtest]:
    """Those of the user's backtests that these ids name, at most MAX_KEPT; what is not an id is left out."""
    wanted = [pk for text in ids for part in text.split(",") if (pk := parse_id(part.strip())) is not None]
    found = user.backtests.in_bulk([pk for pk in wanted if pk <= LARGEST_ID][:MAX_KEPT])
    return list(found.values())


def selected(user: User, ids: Iterable[str]) -> list[Backtest]:
    """The user's backtests with these ids, in their order, each once. One text may hold several ids: "3,1".

    Raises InvalidSelection for a text that is not an id, and UnknownBacktest. One query.
    """
    texts = [part.strip() for text in ids for part in text.split(",")]
    wanted = list(dict.fromkeys(_checked_id(text) for text in texts if text))
    found = user.backtests.in_bulk([pk for pk in wanted if pk <= LARGEST_ID])
    if missing := [pk for pk in wanted if pk not in found]:
        raise UnknownBacktest(f"There is no backtest {missing[0]}.")
    return [found[pk] for pk in wanted]


def active_deployment_names(backtests: Sequence[Backtest]) -> list[str]:
    """Names of the deployments of these backtests that are not stopped."""
    return _not_stopped(Backtest, backtest__in=backtests)


def active_deployment_names_of_run(run: OptimizerRun) -> list[str]:
    """Names of the deployments of the run's rows that are not stopped."""
    return _not_stopped(Candidate, candidate__run=run)


def _not_stopped(model: type[Backtest | Candidate], **conditions: Any) -> list[str]:
    # Deployments belong to an app above this one: reached through the relation, never imported.
    deployments = model._meta.get_field("deployments").related_model
    active = deployments._default_manager.filter(**conditions).exclude(status=STOPPED)
    return list(active.order_by("name").values_list("name", flat=True))


def _checked_id(text: str) -> int:
    pk = parse_id(text)
    if pk is None:
        # Shortened, so that a message never repeats a page of text.
        raise InvalidSelection(f"“{text[:MAX_DIGITS]}” is not the number of a backtest.")
    return pk


def parse_id(text: str) -> int | None:
    """The id in a text from an address; None for a text that is not an id."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else None
