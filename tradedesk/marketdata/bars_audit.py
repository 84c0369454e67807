"""What the audit keeps of a change of bars: which series, and what it was before and after."""

from typing import Any

from tradedesk.audit.services import Entry
from tradedesk.marketdata.models import Download, StoredBars


def changed(action: str, before: StoredBars | None, after: StoredBars | None) -> Entry:
    """One of the two is there. Who did it is who acts on the desk now."""
    series = after or before
    if series is None:
        raise ValueError("A change is of a series.")
    details = {"series": str(series), "before": _state(before), "after": _state(after)}
    return Entry(None, action, series, details, user_id=series.owner_id)


def of_download(action: str, job: Download, **told: Any) -> Entry:
    """What became of the job of a user, or of the desk itself."""
    what = {"symbols": job.symbols, "timeframe": job.timeframe, "start": job.start, "automatic": job.automatic}
    return Entry(None, action, job, what | told)


def _state(series: StoredBars | None) -> dict[str, Any] | None:
    if series is None:
        return None
    first, last = series.days
    return {
        "bars": series.count,
        "first": first,
        "last": last,
        "adjusted": series.adjusted,
        "fingerprint": series.fingerprint,
        "accepted": [each.name for each in series.doubts if each.hard],
    }
