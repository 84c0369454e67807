"""Why a bar has its signal, in words and with the values of its indicators. Pure."""

import logging
import math

from strategies.isolated import IsolatedKind
from strategies.kinds import Kind
from tradedesk.core.signals import Side, Signals

log = logging.getLogger(__name__)

# A trader's own kind may have any number of lines, with any name.
MAX_LINES, MAX_NAME, MAX_EXPLANATION = 20, 40, 200


def indicators_at(signals: Signals, t: int) -> dict[str, float]:
    """The values of the kind's lines in row t, rounded to what a person reads. One that is no number is left
    out."""
    found = {}
    for name, line in list(signals.lines.items())[:MAX_LINES]:
        value = float(line[t]) if t < len(line) else math.nan
        if math.isfinite(value):
            found[_clean(name, MAX_NAME)] = float(f"{value:.4f}") if abs(value) >= 1 else float(f"{value:.6g}")
    return found


def explanation_at(kind: Kind | IsolatedKind, signals: Signals, t: int, indicators: dict[str, float]) -> str:
    """The kind's explanation of row t; where it has none, a plain sentence with the values of its indicators."""
    try:
        text = kind.explain(signals, t)
    except BaseException:
        # An explanation that fails must not hold back the signal that it explains.
        log.warning("The kind %s could not explain its signal.", kind.key, exc_info=True)
        text = ""
    return _clean(text or _plain(Side(int(signals.side[t])), indicators), MAX_EXPLANATION)


def _plain(side: Side, indicators: dict[str, float]) -> str:
    what = "No signal" if side is Side.HOLD else f"{side.name} signal"
    values = ", ".join(f"{name} {value:,.6g}" for name, value in indicators.items())
    return f"{what}: {values}" if values else what


def _clean(text: object, length: int) -> str:
    """No database stores a NUL in a text."""
    return str(text).replace("\0", "")[:length]
