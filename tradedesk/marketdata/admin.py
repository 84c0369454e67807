from django.contrib import admin
from django.http import HttpRequest

from tradedesk.marketdata.models import BarSeries


@admin.register(BarSeries)
class BarSeriesAdmin(admin.ModelAdmin[BarSeries]):
    """Read only: bars change only through imports."""

    list_display = ["symbol", "timeframe", "provider", "first", "last", "count", "adjusted", "short_fingerprint"]
    list_filter = ["timeframe", "provider", "adjusted"]
    search_fields = ["symbol"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: BarSeries | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: BarSeries | None = None) -> bool:
        return False
