"""Why a run failed, as a message for the trader; the log has the details."""

import logging

from backtests.research.optimizer.grid import InvalidGrid
from backtests.services.bars import UnusableBars
from strategies.kinds import InvalidParameters
from tradedesk.core.bars import InvalidBars
from tradedesk.core.declarations import InvalidRules
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.store import DamagedBars

log = logging.getLogger(__name__)


class InputsChanged(Exception):
    """The code or the bars changed after the run was created; the message says which."""


class EmptyPeriod(Exception):
    """There are no bars in the period; the message says what to do."""


class NoValidCombinations(Exception):
    """The kind accepts no combination of the grid; the message says what to do."""


# Errors whose messages are written for the trader.
READABLE = (
    InputsChanged,
    DamagedBars,
    EmptyPeriod,
    InvalidBars,
    InvalidGrid,
    InvalidParameters,
    InvalidRules,
    NoBars,
    NoValidCombinations,
    UnusableBars,
)

# The message for any other exception, which is an error in the desk.
INTERNAL_ERROR = "Internal error ({kind}: {error}). Try again. If it fails again, see the log of the worker."


def reason_of(error: Exception, what: str, number: int) -> str:
    """The message to store and show; logs the error. what: such as "backtest" or "optimizer run"; number: its
    id."""
    readable = isinstance(error, READABLE)
    log.log(logging.WARNING if readable else logging.ERROR, "%s %s failed", what, number, exc_info=error)
    return str(error) if readable else INTERNAL_ERROR.format(kind=type(error).__name__, error=error)
