"""The halt of a user's account, for the top bar, the page “Stop trading” and the API."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from livetrading.models import BrokerAccount, Halt, Order
from livetrading.models.order import WORKING
from livetrading.services.wording import counted
from livetrading.summaries.account import find_account, summarize_account
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import NEW_YORK, is_open, next_open

ZERO = Decimal(0)
# The working entries that a page names, and the halts of an account to look at.
NAMED, IN_FORCE = 5, 20


@dataclass(frozen=True, slots=True)
class HaltState:
    """account: None before it is opened. halt: the one that is at work, the strongest first, or else the last one
    in force; None while the account trades. operator: who has set the halt, when only an operator may lift it."""

    mode: str
    account: BrokerAccount | None = None
    halt: Halt | None = None
    operator: str = ""

    @property
    def is_halted(self) -> bool:
        return self.account is not None and self.account.entries_stopped

    @property
    def is_running(self) -> bool:
        return self.halt is not None and self.halt.is_unfinished

    @property
    def progress(self) -> str:
        """How far it is: "3 of 5 positions sold, 1 of 2 entry orders cancelled"; "" with nothing to do."""
        halt = self.halt
        if halt is None:
            return ""
        parts = []
        if halt.lots_to_sell:
            parts.append(f"{halt.lots_sold:,} of {counted(halt.lots_to_sell, 'position')} sold")
        if halt.orders_to_cancel:
            parts.append(f"{halt.orders_cancelled:,} of {counted(halt.orders_to_cancel, 'entry order')} cancelled")
        return ", ".join(parts)

    def waits_for(self, now: datetime) -> str:
        """What the sales that are on their way wait for; "" when nothing does."""
        selling = self.is_running and self.halt is not None and self.halt.lots_left and self.halt.started_at
        return when_sold(self.account, now) if selling and self.account else ""


@dataclass(frozen=True, slots=True)
class StopMenu:
    """What each verb would do now. entries: the first NAMED working entry orders. positions: the number of open
    lots, and value what they are worth in dollars. last: the halt that finished last."""

    state: HaltState
    entries: list[Order]
    entry_count: int
    positions: int
    value: Decimal
    when_sold: str
    last: Halt | None


def read_halt(user: User, mode: str) -> HaltState:
    """One query while the account trades, two while it is halted."""
    account = user.broker_accounts.filter(mode=mode, active=True).first()
    if account is None or not account.entries_stopped:
        return HaltState(mode, account)
    return _halted(mode, account)


def read_stop_menu(user: User, mode: str, now: datetime) -> StopMenu:
    """The number of queries does not depend on the number of orders and lots."""
    account = find_account(user, mode)
    if account is None:
        return StopMenu(HaltState(mode), [], 0, 0, ZERO, "", None)
    summary = summarize_account(account, now)
    entries = account.orders.filter(purpose=Order.Purpose.ENTRY, state__in=WORKING)
    state = _halted(mode, account) if account.entries_stopped else HaltState(mode, account)
    return StopMenu(
        state=state,
        entries=list(entries.order_by("created_at", "pk")[:NAMED]),
        entry_count=entries.count(),
        positions=sum(len(position.lots) for position in summary.positions),
        value=summary.market_value,
        when_sold=when_sold(account, now),
        last=account.halts.filter(finished_at__isnull=False).exclude(action=Halt.Action.ENTRIES).first(),
    )


def when_sold(account: BrokerAccount, now: datetime) -> str:
    """When a market order that is sent now fills, unless that is immediately."""
    if account.broker == BrokerAccount.Broker.PAPER:
        return "The simulation fills a market order at the open of the next bar."
    if is_open(now):
        return ""
    opens = next_open(now).astimezone(NEW_YORK)
    return f"The market is closed: a market order waits for the open, {opens:%a %H:%M} ET."


def _halted(mode: str, account: BrokerAccount) -> HaltState:
    halts = list(account.halts.filter(lifted_at=None)[:IN_FORCE])
    running = [halt for halt in halts if halt.is_unfinished]
    # The strongest action includes the fewest others.
    strongest = min(running, key=lambda halt: len(Halt.including(halt.action)), default=None)
    operators = [halt.requested_by for halt in halts if halt.by_operator]
    return HaltState(mode, account, strongest or next(iter(halts), None), next(iter(operators), ""))
