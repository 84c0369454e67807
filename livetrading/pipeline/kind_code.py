"""Running the code of a strategy kind, which may be a trader's own: what it raises, and what it returns."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from django.db import DatabaseError

from strategies.kinds import InvalidParameters, Kind
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side, Signals

# Troubles of the machine, not of the code that meets them.
_OF_THE_MACHINE = (MemoryError, OSError, DatabaseError)


class KindFailed(Exception):
    """The code of a kind raised an exception, or returned what are no signals."""


@contextmanager
def kind_code() -> Iterator[None]:
    """Around every call of a kind: what its code raises becomes KindFailed, a call of sys.exit too."""
    try:
        yield
    except (KindFailed, InvalidParameters, *_OF_THE_MACHINE):
        raise
    except (Exception, SystemExit) as error:
        raise KindFailed(str(error) or type(error).__name__) from error


def signals_of(kind: Kind, bars: Mapping[str, Bars]) -> dict[str, Signals]:
    """The normalized signals of these symbols. Raises KindFailed."""
    with kind_code():
        found = kind.signals_by_symbol(bars)
        for symbol, own in bars.items():
            if problem := _problem(found.get(symbol), len(own)):
                raise KindFailed(f"“{kind.name}” returned {problem} for {symbol}.")
        return found


def _problem(signals: Signals | None, bars: int) -> str:
    if signals is None:
        return "no signals"
    if signals.side.shape != (bars,) or signals.strength.shape != (bars,):
        return f"{len(signals.side):,} sides and {len(signals.strength):,} strengths for {bars:,} bars"
    if not np.isin(signals.side, list(Side)).all():
        return "a side that is not BUY, SELL or HOLD"
    if not np.isfinite(signals.strength[signals.side != Side.HOLD]).all():
        return "a signal without a strength"
    return ""
