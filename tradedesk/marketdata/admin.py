from django.contrib import admin

from tradedesk.marketdata.models import BarSeries
from tradedesk.read_only_admin import ReadOnlyAdmin


@admin.register(BarSeries)
class BarSeriesAdmin(ReadOnlyAdmin[BarSeries]):
    """Read only: bars change only through imports."""

    list_display = [
        "symbol",
        "timeframe",
        "provider",
        "owner",
        "first",
        "last",
        "count",
        "adjusted",
        "short_fingerprint",
    ]
    list_select_related = ["owner"]
    list_filter = ["timeframe", "provider", "adjusted"]
    search_fields = ["symbol"]
