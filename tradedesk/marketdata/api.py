"""The API of series: list, download, delete and restore."""

from datetime import datetime
from typing import Literal

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from ninja import Router
from ninja.errors import HttpError
from pydantic import Field

from tradedesk.marketdata.export import CONTENT_TYPES, chunks_of, file_name
from tradedesk.marketdata.library import NoBars, bars_of, visible_series
from tradedesk.marketdata.models import BarSeries, PreviousVersion
from tradedesk.marketdata.ownership import may_change, restorable_versions
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.store import DamagedBars
from tradedesk.marketdata.undo import delete_range, restore
from tradedesk.rest.bodies import Day, Text
from tradedesk.rest.downloads import download
from tradedesk.rest.pages import in_pages
from tradedesk.rest.refusals import BAD_QUERY, UNKNOWN, Problem, find
from tradedesk.rest.schemas import Schema

FILE = {"schema": {"type": "string", "format": "binary"}}
FILE_RESPONSE = {"responses": {200: {"description": "OK", "content": dict.fromkeys(CONTENT_TYPES.values(), FILE)}}}

router = Router(tags=["data"])


class FindingSchema(Schema):
    name: str = Field(examples=["split"])
    hard: bool = Field(description="The bars cannot be believed until it is accepted.")
    is_open: bool = Field(description="Hard, and not accepted everywhere.")
    count: int = Field(description="Bars concerned, or sessions missing.")
    message: str


class BarsSchema(Schema):
    id: int
    symbol: str = Field(examples=["AAPL"])
    timeframe: str = Field(examples=["1Day"])
    provider: str = Field(examples=["csv"])
    for_all: bool = Field(description="All users see it. A series of your own hides it for you.")
    first: datetime = Field(description="Time of the first bar.")
    last: datetime = Field(description="Time of the last bar.")
    count: int = Field(description="Number of bars.")
    adjusted: bool = Field(description="Prices are adjusted for splits.")
    fingerprint: str = Field(description="Changes with every bar.")
    findings: list[FindingSchema] = Field(
        validation_alias="doubts", description="What is doubtful about the bars, hard findings first."
    )


class VersionSchema(BarsSchema):
    kept_at: datetime = Field(description="When the series was changed or deleted. Wall time.")


class DeletedSchema(Schema):
    deleted: int = Field(description="Number of bars.")


@router.get("", response={200: list[BarsSchema], **BAD_QUERY})
@in_pages
def list_series(request: HttpRequest, symbol: Text = "") -> "QuerySet[BarSeries]":
    """Your own series and those for all users. symbol: only the series of this symbol."""
    series = visible_series(request.user.pk)
    return series.filter(symbol=symbol.upper()) if symbol else series


@router.get("/versions", response={200: list[VersionSchema], **BAD_QUERY})
@in_pages
def list_versions(request: HttpRequest) -> "QuerySet[PreviousVersion]":
    """The series that you may change, as they were before their last import, restoration or deletion."""
    return restorable_versions(request.user)


@router.post("/versions/{int:version_id}/restore", response={200: BarsSchema, **UNKNOWN, 409: Problem})
def restore_version(request: HttpRequest, version_id: int) -> BarSeries:
    """Makes a previous version the series again; what is stored now becomes the previous version. 409: the
    symbol is held or traded, or the version cannot be read."""
    version = find(restorable_versions(request.user), version_id)
    try:
        return restore(version, timezone.now())
    except ImportRefused as refusal:
        raise HttpError(409, str(refusal)) from None


@router.get("/{int:series_id}", response={200: BarsSchema, **UNKNOWN})
def read_series(request: HttpRequest, series_id: int) -> BarSeries:
    return find(visible_series(request.user.pk), series_id)


@router.get("/{int:series_id}/bars", response={**UNKNOWN, **BAD_QUERY, 409: Problem}, openapi_extra=FILE_RESPONSE)
def download_series(
    request: HttpRequest, series_id: int, file_format: Literal["csv", "parquet"] = "csv"
) -> StreamingHttpResponse:
    """All bars as a file. Importing it gives the same bars. 409: the files of the series cannot be read."""
    series = find(visible_series(request.user.pk), series_id)
    try:
        bars = bars_of(series)
    except (NoBars, DamagedBars) as refusal:
        raise HttpError(409, str(refusal)) from None
    chunks = chunks_of(bars, series.timeframe, file_format)
    return download(request, file_name(series, file_format), CONTENT_TYPES[file_format], chunks)


@router.delete(
    "/{int:series_id}", response={200: DeletedSchema, **UNKNOWN, **BAD_QUERY, 403: Problem, 409: Problem}
)
def delete_bars(
    request: HttpRequest, series_id: int, first: Day | None = None, last: Day | None = None
) -> DeletedSchema:
    """Deletes a series, or its bars from one day to another, both included. It can be restored. 409: the symbol is
    held or traded."""
    series = find(visible_series(request.user.pk), series_id)
    if not may_change(request.user, series):
        raise PermissionDenied("Only administrators change series that all users see.")
    try:
        return DeletedSchema(deleted=delete_range(series, first, last, timezone.now()))
    except ImportRefused as refusal:
        raise HttpError(409, str(refusal)) from None
