"""Why research failed, in words for the trader; the log has the rest."""

import logging

from backtests.research.optimizer.grid import InvalidGrid
from backtests.services.bars import UnusableBars
from strategies.kinds import InvalidParameters
from tradedesk.core.bars import InvalidBars
from tradedesk.core.rules import InvalidRules
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.store import DamagedBars

log = logging.getLogger(__name__)


class ChangedMeanwhile(Exception):
    """Code or bars are no longer what the work began with; the message says which."""


class EmptyPeriod(Exception):
    """No bar lies in the period; the message says what to do."""


class NothingFits(Exception):
    """There is no combination to try; the message says what to do."""


# Their messages are made for a person and say what to do.
READABLE = (
    ChangedMeanwhile,
    DamagedBars,
    EmptyPeriod,
    InvalidBars,
    InvalidGrid,
    InvalidParameters,
    InvalidRules,
    NoBars,
    NothingFits,
    UnusableBars,
)

# What is said of any other exception, which is a mistake of the desk.
OURS = (
    "The desk made an error ({kind}: {error}). Run the {what} again; if it fails again, the log of the worker "
    "says where."
)


def reason_of(error: Exception, what: str, number: int) -> str:
    """The sentence that is stored and shown. what: "backtest", "optimizer run"; number: its id, for the log."""
    readable = isinstance(error, READABLE)
    log.log(logging.WARNING if readable else logging.ERROR, "%s %s failed", what, number, exc_info=error)
    return str(error) if readable else OURS.format(kind=type(error).__name__, error=error, what=what)
