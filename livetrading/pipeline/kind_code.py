"""Running the code of a strategy kind: where it runs, what it raises, and what it returns.

A kind of the desk runs in this process. A trader's own runs in a process that it can end, hang or fill without
stopping anything else (strategies/isolated.py).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from django.conf import settings
from django.db import DatabaseError

from livetrading.models import LiveStrategy
from strategies.isolated import IsolatedKind, NoTurn
from strategies.kinds import InvalidParameters, Kind, plugin_of
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side, Signals

# Troubles of the machine, not of the code that meets them.
_OF_THE_MACHINE = (MemoryError, OSError, DatabaseError, NoTurn)
# After a long time without a check, this many bars of each symbol are recorded in which nothing was signalled.
RECORDED = 50


class KindFailed(Exception):
    """The code of a kind raised an exception, or returned what are no signals."""


@contextmanager
def kind_code() -> Iterator[None]:
    """Around every call of a kind: what its code raises becomes KindFailed, whatever it is."""
    try:
        yield
    except (KindFailed, InvalidParameters, *_OF_THE_MACHINE):
        raise
    except BaseException as error:
        raise KindFailed(str(error) or type(error).__name__) from error


def kind_of(live: LiveStrategy) -> Kind | IsolatedKind:
    """The kind with the parameters of this strategy. Raises InvalidParameters and KindFailed."""
    plugin = plugin_of(live.kind)
    if plugin is not None:
        return IsolatedKind(live.kind, live.parameters, plugin, settings.STRATEGY_SECONDS)
    with kind_code():
        return live.make_kind()


def signals_of(
    kind: Kind | IsolatedKind, bars: Mapping[str, Bars], new_bars: Mapping[str, int]
) -> dict[str, Signals]:
    """The normalized signals of these symbols. new_bars: how many of the last bars of each are explained later.
    Raises KindFailed."""
    with kind_code():
        if isinstance(kind, IsolatedKind):
            found = kind.run(bars, explained=new_bars, silent=RECORDED)
        else:
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
    side = signals.side
    if not ((side == Side.HOLD) | (side == Side.BUY) | (side == Side.SELL)).all():
        return "a side that is not BUY, SELL or HOLD"
    if not np.isfinite(signals.strength[side != Side.HOLD]).all():
        return "a signal without a strength"
    return ""
