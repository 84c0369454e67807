"""The sectors of a user's symbols, by their own list."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from livetrading.models import SymbolSector
from livetrading.models.account_rule import MOST_SECTORS
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

SECTOR_LENGTH = SymbolSector._meta.get_field("sector").max_length or 0


class SectorsRefused(ValueError):
    """The message names the line and can be shown to a person."""


def clean_sectors(text: str) -> dict[str, str]:
    """By symbol, from one line for each: "AAPL: Technology". Raises SectorsRefused."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, colon, words = line.partition(":")
        sector = " ".join(words.split())
        try:
            symbol = clean_symbol(name)
        except InvalidSymbol as error:
            raise SectorsRefused(f"Line {number}: {error}") from None
        if not colon or not sector:
            raise SectorsRefused(f"Line {number}: write the symbol, a colon and its sector: AAPL: Technology.")
        if len(sector) > SECTOR_LENGTH or not sector.isprintable():
            raise SectorsRefused(f"Line {number}: a sector has at most {SECTOR_LENGTH} printable characters.")
        if found.setdefault(symbol, sector) != sector:
            raise SectorsRefused(f"Line {number}: {symbol} has another sector in an earlier line.")
    if len(found) > MOST_SECTORS:
        raise SectorsRefused(f"The list has at most {MOST_SECTORS} symbols, not {len(found):,}.")
    return found


def save_sectors(user: User, sectors: Mapping[str, str], wall_now: datetime) -> None:
    """Replace the user's list by these sectors, as `clean_sectors` returns them."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two lists that are saved at once do not mix
        before = user.symbol_sectors.count()
        user.symbol_sectors.all().delete()
        rows = [SymbolSector(user=user, symbol=symbol, sector=sector) for symbol, sector in sectors.items()]
        SymbolSector.objects.bulk_create(rows)
        record(user, "sectors_saved", user, {"before": before, "after": dict(sectors)}, wall_now)
    bump_version(user.pk)
