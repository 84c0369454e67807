"""The read-only admin pages of strategies: only owners change a strategy, on its pages or through the API."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from strategies.models import Strategy
from strategies.services import delete_strategy
from tradedesk.read_only_admin import ReadOnlyAdmin


@admin.register(Strategy)
class StrategyAdmin(ReadOnlyAdmin[Strategy]):
    deletable = True
    list_display = ["name", "user", "kind_name", "parameter_summary", "symbols", "timeframe", "updated_at"]
    list_filter = ["kind", "timeframe", "updated_at"]
    list_select_related = ["user"]
    search_fields = ["name", "kind", "symbols", "user__email"]
    date_hierarchy = "created_at"

    def delete_model(self, request: HttpRequest, obj: Strategy) -> None:
        delete_strategy(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Strategy]) -> None:
        for strategy in queryset:
            delete_strategy(strategy)
