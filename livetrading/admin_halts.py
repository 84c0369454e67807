"""Actions of an operator on chosen or all accounts: stop entries, cancel orders, flatten, lift."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from livetrading.admin_confirm import NAMED, confirmation
from livetrading.models import BrokerAccount, Halt, LiveTrade, Order, PaperTrade
from livetrading.models.order import WORKING
from livetrading.pipeline.direct import act_without_workers
from livetrading.services.halt import RESUME, NotLifted, check_word, lift, request
from livetrading.services.wording import counted
from tradedesk.accounts.models import User
from tradedesk.marketdata.clock import read_clocks


class HaltActions(admin.ModelAdmin[BrokerAccount]):
    """Each action shows what it will do, and does it after one confirmation."""

    actions = ("stop_entries", "cancel_orders", "flatten", "lift_halt")

    def has_halt_permission(self, http: HttpRequest) -> bool:
        return isinstance(http.user, User) and http.user.has_perm("livetrading.add_halt")

    @admin.action(description="Stop entries", permissions=["halt"])
    def stop_entries(self, http: HttpRequest, accounts: "QuerySet[BrokerAccount]") -> HttpResponse | None:
        return self._halt(http, accounts, Halt.Action.ENTRIES)

    @admin.action(description="Stop entries and cancel entry orders", permissions=["halt"])
    def cancel_orders(self, http: HttpRequest, accounts: "QuerySet[BrokerAccount]") -> HttpResponse | None:
        return self._halt(http, accounts, Halt.Action.ORDERS)

    @admin.action(description="Flatten: also sell everything", permissions=["halt"])
    def flatten(self, http: HttpRequest, accounts: "QuerySet[BrokerAccount]") -> HttpResponse | None:
        return self._halt(http, accounts, Halt.Action.FLATTEN)

    @admin.action(description="Lift the halt", permissions=["halt"])
    def lift_halt(self, http: HttpRequest, accounts: "QuerySet[BrokerAccount]") -> HttpResponse | None:
        halted = accounts.filter(entries_stopped_at__isnull=False)
        if "confirmed" in http.POST:
            try:
                check_word(http.POST.get("word", ""))
            except NotLifted as refusal:
                messages.error(http, str(refusal))
            else:
                lifted = sum(_lift(account, _operator(http)) for account in halted)
                messages.success(http, f"{counted(lifted, 'account')} trade again.")
                return None
        return self._confirm(http, halted, "Lift the halt", word=RESUME)

    def _halt(
        self, http: HttpRequest, accounts: "QuerySet[BrokerAccount]", action: Halt.Action
    ) -> HttpResponse | None:
        accounts = accounts.filter(revoked_at=None)
        if "confirmed" not in http.POST:
            return self._confirm(http, accounts, action.label)
        ids = []
        for account in accounts:
            now, wall_now = read_clocks()
            reason = http.POST.get("reason", "").replace("\x00", "")
            request(account, action, by=_operator(http), reason=reason, now=now, wall_now=wall_now)
            ids.append(account.pk)
        act_without_workers(ids, read_clocks)
        messages.success(http, f"{action.label}: {counted(len(ids), 'account')}.")
        return None

    def _confirm(
        self, http: HttpRequest, accounts: "QuerySet[BrokerAccount]", title: str, *, word: str = ""
    ) -> HttpResponse:
        """The page that says what will happen. It sends the same action again, confirmed."""
        entries = Order.objects.filter(
            account__in=accounts, purpose=Order.Purpose.ENTRY, state__in=WORKING
        ).count()
        lots = sum(
            model.objects.filter(account__in=accounts, exit_time=None).count() for model in (PaperTrade, LiveTrade)
        )
        orders = counted(entries, "working entry order")
        summary = f"{counted(accounts.count(), 'account')} with {orders} and {counted(lots, 'open lot')}."
        named = [f"{account.user} · {account.name} ({account.mode})" for account in _first(accounts)]
        return confirmation(self, http, title, summary, named, word=word, asks_reason=not word)


def _first(accounts: "QuerySet[BrokerAccount]") -> "QuerySet[BrokerAccount]":
    return accounts.select_related("user")[: NAMED + 1]


def _operator(http: HttpRequest) -> User | str:
    return http.user if isinstance(http.user, User) else ""


def _lift(account: BrokerAccount, by: User | str) -> bool:
    now, wall_now = read_clocks()
    return lift(account, RESUME, by=by, now=now, wall_now=wall_now)
