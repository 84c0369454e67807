"""Backtests for an operator: to find and to read; their owner makes them, on the pages or through the API."""

from django.contrib import admin
from django.http import HttpRequest

from backtests.models import Backtest


@admin.register(Backtest)
class BacktestAdmin(admin.ModelAdmin[Backtest]):
    list_display = ["__str__", "user", "kind_name", "symbols", "status", "stage", "attempts", "created_at"]
    list_filter = ["status", "kind", "created_at"]
    list_select_related = ["user"]
    search_fields = ["strategy_name", "kind", "symbols", "user__email"]
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Backtest | None = None) -> bool:
        return False
