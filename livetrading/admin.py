"""Live trading in the admin: administrators can search and read all records, but change none."""

from typing import Any

from django.contrib import admin

from livetrading.models import (
    Fill,
    LivePosition,
    LiveStrategy,
    LiveTrade,
    Order,
    PaperAccount,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    SignalHistory,
)
from tradedesk.read_only_admin import ReadOnlyAdmin


class RecordAdmin(ReadOnlyAdmin[Any]):
    """Pages of 50 rows, without the count of all rows, because the tables grow."""

    show_full_result_count = False
    list_per_page = 50


@admin.register(LiveStrategy)
class LiveStrategyAdmin(RecordAdmin):
    list_display = [
        "name",
        "user",
        "mode",
        "status",
        "kind",
        "symbols",
        "last_check_at",
        "next_check_at",
        "last_error",
    ]
    list_filter = ["status", "mode", "kind", "timeframe"]
    list_select_related = ["user"]
    search_fields = ["name", "user__email", "symbols", "fingerprint"]
    date_hierarchy = "deployed_at"


@admin.register(SignalHistory)
class SignalHistoryAdmin(RecordAdmin):
    list_display = [
        "created_at",
        "live_strategy",
        "user",
        "symbol",
        "side",
        "strength",
        "price",
        "outcome",
        "reason",
    ]
    list_filter = ["outcome", "side"]
    list_select_related = ["user", "live_strategy"]
    search_fields = ["symbol", "user__email", "live_strategy__name", "reason"]
    date_hierarchy = "created_at"


@admin.register(Order)
class OrderAdmin(RecordAdmin):
    list_display = ["created_at", "user", "mode", "side", "quantity", "symbol", "purpose", "state", "reason"]
    list_filter = ["state", "mode", "purpose", "side"]
    list_select_related = ["user"]
    search_fields = ["symbol", "user__email", "client_order_id", "broker_order_id", "reason"]
    date_hierarchy = "created_at"


@admin.register(Fill)
class FillAdmin(RecordAdmin):
    list_display = ["time", "user", "mode", "order", "quantity", "price", "commission", "activity_id"]
    list_filter = ["mode"]
    list_select_related = ["user", "order"]
    search_fields = ["activity_id", "user__email", "order__symbol", "order__client_order_id"]
    date_hierarchy = "time"


@admin.register(PaperTrade, LiveTrade)
class TradeAdmin(RecordAdmin):
    list_display = [
        *("entry_time", "user", "live_strategy", "symbol", "quantity", "entry_price"),
        *("exit_time", "exit_price", "exit_reason", "pnl"),
    ]
    list_filter = ["exit_reason", "timeframe"]
    list_select_related = ["user", "live_strategy"]
    search_fields = ["symbol", "user__email", "live_strategy__name", "opening_order__client_order_id"]
    date_hierarchy = "entry_time"


@admin.register(PaperPosition, LivePosition)
class PositionAdmin(RecordAdmin):
    list_display = ["user", "symbol", "quantity", "average_price", "updated_at"]
    list_select_related = ["user"]
    search_fields = ["symbol", "user__email"]


@admin.register(PaperAccount)
class PaperAccountAdmin(RecordAdmin):
    list_display = ["user", "starting_cash", "cash"]
    list_select_related = ["user"]
    search_fields = ["user__email"]


@admin.register(PaperOrder)
class PaperOrderAdmin(RecordAdmin):
    list_display = [
        "accepted_at",
        "account",
        "kind",
        "side",
        "quantity",
        "symbol",
        "status",
        "trigger_price",
        "reason",
    ]
    list_filter = ["status", "kind", "side"]
    list_select_related = ["account__user"]
    search_fields = ["symbol", "client_order_id", "closes", "account__user__email"]
    date_hierarchy = "accepted_at"


@admin.register(PaperFill)
class PaperFillAdmin(RecordAdmin):
    list_display = ["bar_time", "account", "order", "quantity", "price", "commission", "cash_change", "cash_after"]
    list_select_related = ["account__user", "order"]
    search_fields = ["order__symbol", "order__client_order_id", "account__user__email"]
    date_hierarchy = "bar_time"
