"""Reading the audit: filtered, a page at a time, and as rows of a file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from tradedesk.audit.models import AuditRecord
from tradedesk.audit.origin import Via
from tradedesk.rest.csv_files import csv_file
from tradedesk.rest.downloads import download

PAGE = 100
# Records of one file, the newest ones.
MOST = 100_000
BATCH = 1000
FORMATS = ("csv", "jsonl")
COLUMNS = (
    *("sequence", "time", "actor", "via", "through", "address", "action", "subject_type", "subject_id"),
    *("details", "hash"),
)
# A user does not see from where an operator came.
OF_OPERATORS = (Via.ADMIN, Via.COMMAND)
Records = QuerySet[AuditRecord]


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. older: the sequence before which the next page begins; None on the last one."""

    records: list[AuditRecord]
    older: int | None


def filtered(records: Records, action: str = "", since: date | None = None, until: date | None = None) -> Records:
    """The records that match every given filter. since, until: days in New York, both included."""
    if action:
        records = records.filter(action=action)
    if since:
        records = records.filter(time__gte=_midnight(since))
    if until:
        records = records.filter(time__lt=_midnight(until + timedelta(days=1)))
    return records


def page_of(records: Records, before: int | None = None) -> Page:
    """One query, however many records there are."""
    if before is not None:
        records = records.filter(sequence__lt=before)
    found = list(records.order_by("-sequence")[: PAGE + 1])
    return Page(found[:PAGE], found[PAGE - 1].sequence if len(found) > PAGE else None)


def export(
    request: HttpRequest, records: Records, file_format: str, *, for_operators: bool = False
) -> StreamingHttpResponse:
    """The newest MOST of them as a file, newest first. file_format: one of FORMATS. for_operators: with the
    addresses of operators."""
    values = _values(records)
    if not for_operators:
        values = (each | ({"address": ""} if each["via"] in OF_OPERATORS else {}) for each in values)
    if file_format == "csv":
        return csv_file(request, "audit.csv", _rows(values))
    lines = (json.dumps(each) + "\n" for each in values)
    return download(request, "audit.jsonl", "application/x-ndjson; charset=utf-8", lines)


def _rows(values: Iterator[dict[str, Any]]) -> Iterator[list[object]]:
    yield list(COLUMNS)
    for each in values:
        yield [json.dumps(each[name]) if name == "details" else each[name] for name in COLUMNS]


def _values(records: Records) -> Iterator[dict[str, Any]]:
    """In short reads, so that a slow reader of the file holds up nothing."""
    left, rows = MOST, records.order_by("-sequence").values(*COLUMNS)
    while batch := list(rows[: min(BATCH, left)]):
        for values in batch:
            yield values | {"time": values["time"].astimezone(UTC).isoformat()}
        left -= len(batch)
        rows = rows.filter(sequence__lt=batch[-1]["sequence"])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(settings.MARKET_TIME_ZONE))
