"""Proofs: what makes a backtest of a kind believable, tried on real bars.

No look-ahead: what a kind says of a bar does not change when later bars become known. Enough warm-up: on the
last `warmup()` bars alone, as live, it decides what it decides on the whole history.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.base import Kind
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side, Signals

RANDOM_CUTS = 50
SYMBOL = "PROOF"
DECISION = "the decision"


@dataclass(frozen=True, slots=True)
class Proof:
    """What was tried and what came of it: `checked` cuts through `bars` bars, ending at the first failure.

    `message` is for people; after a failure it names the bar, counted from 0 as in every message about bars.
    """

    passed: bool
    bars: int
    checked: int
    message: str


class _Fault(Exception):
    """What a proof has found against a kind; the message says it."""


def prove_no_look_ahead(kind: Kind, bars: Bars, seed: int) -> Proof:
    """`signals(bars[:k])` equals `signals(bars)[:k]` bit for bit, the lines included.

    k ends the bars at 50 random bars, at the edges of the warm-up, and at every signal, one bar before and one
    after it. A kind that raises an exception has failed; none comes out of here.
    """

    def check(t: int, whole: Signals) -> None:
        part = _signals(kind, bars[: t + 1])
        for name, ends, goes_on in _columns(part, whole):
            changed = np.flatnonzero(~((ends == goes_on) | (np.isnan(ends) & np.isnan(goes_on))))
            if len(changed):
                row = int(changed[0])
                raise _Fault(
                    f"{_bar(bars, row)}: {name} is {_value(name, ends[row])} while the bars end with bar {t}, "
                    f"and {_value(name, goes_on[row])} once later bars are known."
                )

    edges = (0, kind.warmup() - 2, kind.warmup() - 1)
    return _prove(kind, bars, seed, 0, edges, check, "Nothing it said of a bar changed when later bars came.")


def prove_warmup(kind: Kind, bars: Bars, seed: int) -> Proof:
    """The last row of a `warmup()`-long window has the side and strength that it has in the whole history.

    The windows end at 50 random bars and at every signal, one bar before and one after it. Failed, with nothing
    checked, when there are no more bars than the warm-up. Exceptions as above.
    """
    warmup = kind.warmup()
    if warmup < 1:
        return Proof(False, len(bars), 0, f"The warm-up must be at least 1 bar, not {warmup}.")

    def check(t: int, whole: Signals) -> None:
        alone = _decision(_signals(kind, bars[t - warmup + 1 : t + 1]), warmup - 1)
        known = _decision(whole, t)
        if alone != known:
            raise _Fault(
                f"{_bar(bars, t)}: {known} on the whole history, {alone} on the last {warmup:,} alone. "
                "The warm-up is too short."
            )

    success = f"A window of {warmup:,} {'bar' if warmup == 1 else 'bars'} decides what the whole history decides."
    return _prove(kind, bars, seed, warmup, (warmup,), check, success)


def _prove(
    kind: Kind,
    bars: Bars,
    seed: int,
    first: int,
    edges: Iterable[int],
    check: Callable[[int, Signals], None],
    success: str,
) -> Proof:
    """Run `check` after every row to cut at from `first` on."""
    if len(bars) <= first:
        return Proof(False, len(bars), 0, f"More than {first:,} bars are needed, and there are {len(bars):,}.")
    checked = 0
    try:
        whole = _signals(kind, bars)
        for t in _cuts(whole, first, edges, seed):
            checked += 1
            check(t, whole)
    except _Fault as fault:
        return Proof(False, len(bars), checked, str(fault))
    return Proof(True, len(bars), checked, success)


def _cuts(whole: Signals, first: int, edges: Iterable[int], seed: int) -> list[int]:
    signals = np.flatnonzero(whole.side)
    random = np.random.default_rng(seed).integers(first, len(whole), RANDOM_CUTS)
    rows = np.unique(np.concatenate((random, list(edges), signals - 1, signals, signals + 1)))
    return [int(row) for row in rows if first <= row < len(whole)]


def _signals(kind: Kind, bars: Bars) -> Signals:
    """What every caller gets from the kind, of the shape and in the bounds that the contract asks for."""
    try:
        signals = kind.signals_by_symbol({SYMBOL: bars})[SYMBOL]
    except Exception as error:  # whatever a kind raises is the finding
        raise _Fault(f"{_bar(bars, len(bars) - 1)}: the bars up to here end in {error!r}.") from error
    for name, column in _named(signals):
        if column.shape != (len(bars),):
            raise _Fault(f"{_bar(bars, len(bars) - 1)}: {name} has {column.size:,} rows for {len(bars):,} bars.")
    side, strength = signals.side, signals.strength
    wrong = np.flatnonzero(~np.isin(side, list(Side)) | ~((strength >= 0.0) & (strength <= 1.0)))
    if len(wrong):
        row = int(wrong[0])
        raise _Fault(
            f"{_bar(bars, row)}: a side of {side[row]} with a strength of {strength[row]:g}; "
            "a side is -1, 0 or 1 and a strength from 0 to 1."
        )
    return signals


def _named(signals: Signals) -> Iterator[tuple[str, NDArray[Any]]]:
    yield DECISION, signals.side
    yield "the strength", signals.strength
    for name, line in signals.lines.items():
        yield f"the line “{name}”", line


def _columns(part: Signals, whole: Signals) -> Iterator[tuple[str, NDArray[Any], NDArray[Any]]]:
    """Each column of `part`, and the same rows of it in `whole`; NaN for a line that one of them lacks."""
    short, long = dict(_named(part)), dict(_named(whole))
    absent = np.full(len(whole), np.nan)
    for name in long | short:
        yield name, short.get(name, absent)[: len(part)], long.get(name, absent)[: len(part)]


def _decision(signals: Signals, t: int) -> str:
    side = Side(signals.side[t])
    return side.name if side is Side.HOLD else f"{side.name} with strength {signals.strength[t]:g}"


def _value(name: str, value: float) -> str:
    return Side(int(value)).name if name == DECISION else repr(float(value))


def _bar(bars: Bars, row: int) -> str:
    return f"Bar {row} ({str(bars.time[row])[:16].replace('T', ' ')})"
