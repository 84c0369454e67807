"""Actions of an operator on chosen deployments and orders, through the services that their owners use."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from livetrading.admin_confirm import NAMED, confirmation
from livetrading.models import LiveStrategy, Order
from livetrading.pipeline.direct import act_without_workers
from livetrading.services.closing import NotClosed, close_strategy
from livetrading.services.control import ControlRefused, control
from livetrading.services.order_cancel import NotCancelled, cancel_order
from livetrading.services.wording import counted
from tradedesk.accounts.models import User
from tradedesk.marketdata.clock import read_clocks


class _Actions(admin.ModelAdmin[Any]):
    """Each action names its rows, and does it after one confirmation. What a service refuses is shown."""

    def has_control_permission(self, http: HttpRequest) -> bool:
        """Who may change the rows elsewhere may act on them; nobody edits them here."""
        return http.user.has_perm(f"livetrading.change_{self.model._meta.model_name}")

    def _act(
        self,
        http: HttpRequest,
        rows: "QuerySet[Any]",
        title: str,
        act: Callable[[Any, User], object],
        refused: type[Exception],
    ) -> HttpResponse | None:
        if "confirmed" not in http.POST:
            first = rows.select_related("user")[: NAMED + 1]
            summary = f"{counted(rows.count(), str(self.model._meta.verbose_name))}:"
            return confirmation(self, http, title, summary, [f"{row.user} · {row}" for row in first])
        if not isinstance(http.user, User):
            return None
        done, accounts = 0, dict[int, None]()
        for row in rows.select_related("user", "account"):
            try:
                act(row, http.user)
            except refused as refusal:
                messages.error(http, f"{row.user} · {row}: {refusal}")
            else:
                done += 1
                accounts[row.account_id] = None
        act_without_workers(accounts, read_clocks)
        messages.success(http, f"{title}: {done}.")
        return None


class StrategyActions(_Actions):
    actions = ("start", "pause", "stop", "close_positions")

    @admin.action(description="Start", permissions=["control"])
    def start(self, http: HttpRequest, rows: "QuerySet[LiveStrategy]") -> HttpResponse | None:
        return self._control(http, rows, "start", "Start")

    @admin.action(description="Pause: exits, and no entries", permissions=["control"])
    def pause(self, http: HttpRequest, rows: "QuerySet[LiveStrategy]") -> HttpResponse | None:
        return self._control(http, rows, "pause", "Pause")

    @admin.action(description="Stop: what is held keeps its stops", permissions=["control"])
    def stop(self, http: HttpRequest, rows: "QuerySet[LiveStrategy]") -> HttpResponse | None:
        return self._control(http, rows, "stop", "Stop")

    @admin.action(description="Close positions: sell all lots at the market", permissions=["control"])
    def close_positions(self, http: HttpRequest, rows: "QuerySet[LiveStrategy]") -> HttpResponse | None:
        def close(live: LiveStrategy, operator: User) -> None:
            now, wall_now = read_clocks()
            close_strategy(live, by=operator, now=now, wall_now=wall_now)

        return self._act(http, rows.filter(deleted_at=None), "Close positions", close, NotClosed)

    def _control(
        self, http: HttpRequest, rows: "QuerySet[LiveStrategy]", action: str, title: str
    ) -> HttpResponse | None:
        def act(live: LiveStrategy, operator: User) -> None:
            now, wall_now = read_clocks()
            control(live, action, now, wall_now, actor=operator)

        return self._act(http, rows.filter(deleted_at=None), title, act, ControlRefused)


class OrderActions(_Actions):
    actions = ("cancel",)

    @admin.action(description="Cancel", permissions=["control"])
    def cancel(self, http: HttpRequest, rows: "QuerySet[Order]") -> HttpResponse | None:
        def cancel(order: Order, operator: User) -> None:
            cancel_order(order, by=operator, wall_now=read_clocks()[1])

        return self._act(http, rows, "Cancel", cancel, NotCancelled)
