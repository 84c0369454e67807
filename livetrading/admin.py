"""Live trading in the admin: administrators search and read all records, and act through the services."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from livetrading.admin_actions import OrderActions, StrategyActions
from livetrading.admin_halts import HaltActions
from livetrading.models import (
    AccountActivity,
    BarDecision,
    BrokerAccount,
    ConnectionTest,
    Fill,
    Halt,
    Incident,
    LivePosition,
    LiveStrategy,
    LiveTrade,
    Order,
    PaperAccount,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    Promotion,
    SignalHistory,
)
from tradedesk.read_only_admin import ReadOnlyAdmin


class RecordAdmin(ReadOnlyAdmin[Any]):
    """Pages of 50 rows, without the count of all rows, because the tables grow."""

    show_full_result_count = False
    list_per_page = 50


@admin.register(LiveStrategy)
class LiveStrategyAdmin(StrategyActions, RecordAdmin):
    """The deleted ones too. An operator can start, pause, stop and close those that are not."""

    list_display = [
        "name",
        "user",
        "account",
        "status",
        "kind",
        "symbols",
        "last_check_at",
        "next_check_at",
        "failures",
        "last_error",
        "deleted_at",
    ]
    list_filter = ["status", "account__mode", "kind", "timeframe"]
    list_select_related = ["user", "account"]
    search_fields = ["name", "user__email", "symbols", "fingerprint"]
    date_hierarchy = "deployed_at"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[LiveStrategy]":
        return LiveStrategy.with_deleted.all()


@admin.register(Promotion)
class PromotionAdmin(RecordAdmin):
    """Without the returns of the tested trades, which may be thousands."""

    exclude = ["tested_returns"]
    list_display = ["live_strategy", "first_fraction", "raise_after", "judged_trades", "finding"]
    list_select_related = ["live_strategy"]
    search_fields = ["live_strategy__name", "live_strategy__user__email"]


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
        "code",
        "reason",
    ]
    list_filter = ["outcome", "code", "side"]
    list_select_related = ["user", "live_strategy"]
    search_fields = ["symbol", "user__email", "live_strategy__name", "reason"]
    date_hierarchy = "created_at"


@admin.register(BarDecision)
class BarDecisionAdmin(RecordAdmin):
    list_display = ["checked_at", "live_strategy", "symbol", "bar_time", "close", "side", "code", "sentence"]
    list_filter = ["code", "side"]
    list_select_related = ["live_strategy"]
    search_fields = ["symbol", "live_strategy__name"]


@admin.register(Order)
class OrderAdmin(OrderActions, RecordAdmin):
    list_display = [
        *("created_at", "user", "account", "side", "quantity", "symbol", "purpose", "type", "trigger_price"),
        *("holder", "state", "attempts", "reason"),
    ]
    list_filter = ["state", "account__mode", "purpose", "side", "holder"]
    list_select_related = ["user", "account"]
    search_fields = ["symbol", "user__email", "client_order_id", "broker_order_id", "reason"]
    date_hierarchy = "created_at"


@admin.register(Fill)
class FillAdmin(RecordAdmin):
    list_display = ["time", "account", "order", "quantity", "price", "commission", "activity_id"]
    list_filter = ["account__mode"]
    list_select_related = ["account", "order"]
    search_fields = ["activity_id", "account__user__email", "order__symbol", "order__client_order_id"]
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
    list_display = ["account", "symbol", "quantity", "average_price", "updated_at"]
    list_select_related = ["account"]
    search_fields = ["symbol", "account__user__email"]


@admin.register(BrokerAccount)
class BrokerAccountAdmin(HaltActions, RecordAdmin):
    """Without the credentials. An operator can halt accounts and lift halts."""

    exclude = ["credentials"]
    readonly_fields = ["key_hint"]
    list_display = [
        *("name", "user", "broker", "mode", "active", "state", "state_reason", "equity", "cash"),
        *("reconciled_at", "entries_stopped_at", "failures", "key_hint", "verified_at", "revoked_at"),
    ]
    list_filter = ["broker", "mode", "state", "active"]
    list_select_related = ["user"]
    search_fields = ["name", "user__email", "state_reason"]


@admin.register(ConnectionTest)
class ConnectionTestAdmin(RecordAdmin):
    list_display = ["requested_at", "account", "state", "activates", "finished_at", "problem"]
    list_filter = ["state"]
    list_select_related = ["account"]
    search_fields = ["account__name", "account__user__email", "problem"]


@admin.register(Halt)
class HaltAdmin(RecordAdmin):
    list_display = [
        *("requested_wall", "account", "action", "requested_by", "reason", "orders_cancelled", "orders_to_cancel"),
        *("lots_sold", "lots_to_sell", "finished_at", "lifted_at", "lifted_by", "error"),
    ]
    list_filter = ["action"]
    list_select_related = ["account"]
    search_fields = ["account__user__email", "requested_by", "reason"]
    date_hierarchy = "requested_wall"


@admin.register(Incident)
class IncidentAdmin(RecordAdmin):
    list_display = ["first_seen_at", "account", "kind", "key", "text", "attempts", "reported_at", "resolved_at"]
    list_filter = ["kind"]
    list_select_related = ["account"]
    search_fields = ["key", "text", "account__user__email"]
    date_hierarchy = "first_seen_at"


@admin.register(AccountActivity)
class AccountActivityAdmin(RecordAdmin):
    list_display = ["time", "account", "kind", "symbol", "amount", "description", "activity_id"]
    list_filter = ["kind"]
    list_select_related = ["account"]
    search_fields = ["activity_id", "symbol", "account__user__email", "description"]
    date_hierarchy = "time"


@admin.register(PaperAccount)
class PaperAccountAdmin(RecordAdmin):
    list_display = ["broker_account", "starting_cash", "cash"]
    list_select_related = ["broker_account"]
    search_fields = ["broker_account__user__email"]


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
    list_select_related = ["account__broker_account"]
    search_fields = ["symbol", "client_order_id", "closes", "account__broker_account__user__email"]
    date_hierarchy = "accepted_at"


@admin.register(PaperFill)
class PaperFillAdmin(RecordAdmin):
    list_display = ["bar_time", "account", "order", "quantity", "price", "commission", "cash_change", "cash_after"]
    list_select_related = ["account__broker_account", "order"]
    search_fields = ["order__symbol", "order__client_order_id", "account__broker_account__user__email"]
    date_hierarchy = "bar_time"
