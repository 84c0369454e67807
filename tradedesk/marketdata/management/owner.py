"""The arguments of the commands for bars that name a series and its owner."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.series import SeriesKey
from tradedesk.marketdata.services import FILE_PROVIDER


def add_owner(parser: CommandParser) -> None:
    parser.add_argument(
        "--user", metavar="EMAIL", help="the only user who sees the series; without it, all users see it"
    )


def owner_of(options: dict[str, Any]) -> int | None:
    """The id of the user; None for all users. Raises CommandError for an unknown one."""
    email = options["user"]
    if email is None:
        return None
    owner_id = get_user_model().objects.filter(email__iexact=email).values_list("pk", flat=True).first()
    if owner_id is None:
        raise CommandError(f"There is no user “{email}”.")
    return int(owner_id)


def add_series(parser: CommandParser) -> None:
    parser.add_argument("symbol")
    parser.add_argument("--timeframe", default=Timeframe.DAY.value, choices=list(Timeframe))
    parser.add_argument("--provider", default=FILE_PROVIDER)
    add_owner(parser)


def series_key(options: dict[str, Any]) -> SeriesKey:
    """Raises CommandError for an unknown user."""
    return SeriesKey(options["provider"], options["symbol"].upper(), options["timeframe"], owner_of(options))
