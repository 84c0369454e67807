"""The admin pages of backtests: an administrator finds and reads them; their owners create them."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from backtests.models import Backtest, Evidence, OptimizerRun, TrialRegistry
from backtests.services import delete_backtest
from tradedesk.read_only_admin import ReadOnlyAdmin


@admin.register(Backtest)
class BacktestAdmin(ReadOnlyAdmin[Backtest]):
    deletable = True
    list_display = ["__str__", "user", "kind_name", "symbols", "status", "stage", "attempts", "created_at"]
    list_filter = ["status", "kind", "created_at"]
    list_select_related = ["user"]
    search_fields = ["strategy_name", "kind", "symbols", "user__email"]
    date_hierarchy = "created_at"

    def delete_model(self, request: HttpRequest, obj: Backtest) -> None:
        delete_backtest(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Backtest]) -> None:
        for backtest in queryset:
            delete_backtest(backtest)


@admin.register(OptimizerRun)
class OptimizerRunAdmin(ReadOnlyAdmin[OptimizerRun]):
    deletable = True
    list_display = ["__str__", "user", "kind", "symbols", "method", "combinations", "done", "status", "created_at"]
    list_filter = ["job", "status", "method", "created_at"]
    list_select_related = ["user"]
    search_fields = ["strategy_name", "kind", "symbols", "user__email"]
    date_hierarchy = "created_at"


@admin.register(Evidence)
class EvidenceAdmin(ReadOnlyAdmin[Evidence]):
    deletable = True
    list_display = ["__str__", "error", "computed_at"]
    list_filter = ["computed_at"]
    list_select_related = ["backtest", "candidate"]
    search_fields = ["backtest__strategy_name", "candidate__name", "error"]


@admin.register(TrialRegistry)
class TrialRegistryAdmin(ReadOnlyAdmin[TrialRegistry]):
    """A row can be deleted only together with its user: trials stay counted."""

    list_display = ["user", "symbol", "timeframe", "start_date", "end_date", "trials", "trials_with_sharpe"]
    list_filter = ["timeframe"]
    list_select_related = ["user"]
    search_fields = ["user__email", "symbol"]

    def has_delete_permission(self, request: HttpRequest, obj: TrialRegistry | None = None) -> bool:
        # Django also calls this while it deletes a user, whose rows may then be deleted.
        match = request.resolver_match
        return match is not None and str(match.url_name).startswith("accounts_user_")
