"""The inbox in the API."""

from datetime import datetime
from typing import Annotated, Literal

from django.utils import timezone
from ninja import Router
from pydantic import BeforeValidator, Field, model_validator

from tradedesk.accounts.requests import UserRequest
from tradedesk.notifications import services
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.forms import MOST_IDS
from tradedesk.notifications.inbox import filtered
from tradedesk.notifications.models import Notification
from tradedesk.rest.bodies import Body, Whole
from tradedesk.rest.pages import MappedQuerySet, in_pages
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY
from tradedesk.rest.schemas import Schema

router = Router(tags=["notifications"])
PriorityName = Literal["low", "normal", "high", "critical"]


def _number(value: object) -> object:
    """An id is a number, or its digits as a text."""
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19
    return int(value) if is_digits else value  # type: ignore[call-overload]  # it is a text


Id = Annotated[Whole, BeforeValidator(_number), Field(ge=1)]


class NotificationSchema(Schema):
    id: int
    event: str = Field(examples=["order_filled"])
    label: str = Field(validation_alias="event_label", examples=["Order filled"])
    priority: str = Field(description="low, normal, high or critical.", examples=["normal"])
    text: str
    url: str = Field(description="The address of the page about it, without the host; may be empty.")
    created_at: datetime = Field(description="Market time.")
    read_at: datetime | None = Field(description="Wall time.")


class MarkReadBody(Body):
    """Either ids, or up_to for all up to this one."""

    ids: list[Id] | None = Field(None, max_length=MOST_IDS)
    up_to: Id | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "MarkReadBody":
        if (self.ids is None) == (self.up_to is None):
            raise ValueError("Send either ids or up_to.")
        return self


class ReadSchema(Schema):
    marked: int = Field(description="How many were unread before.")
    unread: int


@router.get("", response={200: list[NotificationSchema], **BAD_QUERY})
@in_pages
def list_notifications(
    request: UserRequest,
    event: Event | None = None,
    priority: PriorityName | None = None,
    unread: bool = False,
) -> MappedQuerySet[Notification]:
    """Your notifications that match every given filter, newest first."""
    chosen = Priority[priority.upper()] if priority else None
    rows = filtered(request.user, event=event.value if event else "", priority=chosen, unread=unread)
    return MappedQuerySet(rows, lambda page: [_schema(row) for row in page])


@router.post("/read", response={200: ReadSchema, **BAD_BODY})
def mark_notifications_read(request: UserRequest, body: MarkReadBody) -> dict[str, int]:
    """Mark notifications as read. Ids that are unknown or of another user are ignored."""
    if body.ids is not None:
        marked = services.mark_read(request.user, timezone.now(), body.ids)
    else:
        marked = services.mark_all_read(request.user, timezone.now(), body.up_to or 0)
    return {"marked": marked, "unread": services.count_unread(request.user)}


def _schema(notification: Notification) -> NotificationSchema:
    return NotificationSchema.of(notification, priority=Priority(notification.priority).name.lower())
