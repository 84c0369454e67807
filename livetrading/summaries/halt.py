"""The halts of a user's accounts of one mode, for the top bar, the page “Stop trading” and the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from livetrading.models import BrokerAccount, Halt, Order
from livetrading.services.halt import accounts_of
from livetrading.services.wording import counted
from livetrading.summaries.account import summarize_account
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.sessions import NEW_YORK, is_open, next_open

ZERO = Decimal(0)
# The working entries that a page names, and the halts in force to look at.
NAMED, IN_FORCE = 5, 200


@dataclass(frozen=True, slots=True)
class HaltState:
    """accounts: those of the mode that are not revoked, the active one first. halts: one of each halted account:
    the strongest one at work, or else the last one in force. operators: by the id of an account, who has set its
    halt, when only an operator may lift it."""

    mode: str
    accounts: Sequence[BrokerAccount] = ()
    halts: Sequence[Halt] = ()
    operators: Mapping[int, str] = field(default_factory=dict)

    @property
    def account(self) -> BrokerAccount | None:
        """The active one; None before it is opened."""
        return next((account for account in self.accounts if account.active), None)

    @property
    def halted(self) -> list[BrokerAccount]:
        return [account for account in self.accounts if account.entries_stopped]

    @property
    def is_halted(self) -> bool:
        """Whether trading is stopped in one of the accounts."""
        return bool(self.halted)

    @property
    def is_halted_everywhere(self) -> bool:
        return self.is_halted and len(self.halted) == len(self.accounts)

    @property
    def halt(self) -> Halt | None:
        """The strongest one at work, or else the first one in force."""
        running = [halt for halt in self.halts if halt.is_unfinished]
        return strongest(running) or next(iter(self.halts), None)

    @property
    def operator(self) -> str:
        """Who among the operators has set one of the halts."""
        return next(iter(self.operators.values()), "")

    @property
    def can_resume(self) -> bool:
        """Whether the user may let one of the accounts trade again."""
        return any(account.pk not in self.operators for account in self.halted)

    @property
    def is_running(self) -> bool:
        return any(halt.is_unfinished for halt in self.halts)

    @property
    def progress(self) -> str:
        """How far all of them are."""
        return progress(self.halts)

    def waits_for(self, now: datetime) -> str:
        """What the sales that are on their way wait for; "" when nothing does."""
        selling = [
            halt.account for halt in self.halts if halt.is_unfinished and halt.lots_left and halt.started_at
        ]
        return _when_all_sold(selling, now)


@dataclass(frozen=True, slots=True)
class StopMenu:
    """What each verb would do now in all accounts of the mode. entries: the first NAMED working entry orders.
    lots: how many are open, and value what they are worth in dollars. last: the halt that finished
    last. other: the accounts of the other mode, which are stopped by themselves."""

    state: HaltState
    entries: list[Order]
    entry_count: int
    lots: int
    value: Decimal
    when_sold: str
    last: Halt | None
    other: HaltState


def progress(halts: Sequence[Halt]) -> str:
    """ "3 of 5 lots sold, 1 of 2 entry orders cancelled"; "" with nothing to do."""
    parts = []
    if to_sell := sum(halt.lots_to_sell for halt in halts):
        parts.append(f"{sum(halt.lots_sold for halt in halts):,} of {counted(to_sell, 'lot')} sold")
    if to_cancel := sum(halt.orders_to_cancel for halt in halts):
        done = sum(halt.orders_cancelled for halt in halts)
        parts.append(f"{done:,} of {counted(to_cancel, 'entry order')} cancelled")
    return ", ".join(parts)


def read_halt(user: User, mode: str) -> HaltState:
    """One query while the accounts trade, two while one is halted."""
    return _state(mode, list(accounts_of(user, mode)))


def read_stop_menu(user: User, mode: str, now: datetime) -> StopMenu:
    """The number of queries depends on the number of accounts, not on that of orders and lots."""
    accounts = list(accounts_of(user, mode).select_related("paper_account"))
    summaries = [summarize_account(account, now) for account in accounts]
    orders = Order.objects.filter(account__in=accounts)
    entries = Order.at_work(orders, Order.Purpose.ENTRY)[::-1]
    finished = Halt.objects.filter(account__in=accounts, finished_at__isnull=False)
    holding = [summary.account for summary in summaries if summary.account and summary.positions]
    return StopMenu(
        state=_state(mode, accounts),
        entries=list(orders.filter(pk__in=entries[:NAMED]).order_by("created_at", "pk")),
        entry_count=len(entries),
        lots=sum(len(position.lots) for summary in summaries for position in summary.positions),
        value=sum((summary.market_value for summary in summaries), ZERO),
        when_sold=_when_all_sold(holding, now),
        last=finished.exclude(action=Halt.Action.ENTRIES).first(),
        other=read_halt(user, Mode.PAPER if mode == Mode.LIVE else Mode.LIVE),
    )


def when_sold(account: BrokerAccount, now: datetime) -> str:
    """When a market order that is sent now fills, unless that is immediately."""
    if account.broker == BrokerAccount.Broker.PAPER:
        return "The simulation fills a market order at the open of the next bar."
    if is_open(now):
        return ""
    opens = next_open(now).astimezone(NEW_YORK)
    return f"The market is closed: a market order waits for the open, {opens:%a %H:%M} ET."


def _when_all_sold(accounts: Sequence[BrokerAccount], now: datetime) -> str:
    return " ".join(dict.fromkeys(text for account in accounts if (text := when_sold(account, now))))


def strongest(halts: Sequence[Halt]) -> Halt | None:
    """The strongest action includes the fewest others."""
    return min(halts, key=lambda halt: len(Halt.including(halt.action)), default=None)


def _state(mode: str, accounts: list[BrokerAccount]) -> HaltState:
    halted = {account.pk: account for account in accounts if account.entries_stopped}
    if not halted:
        return HaltState(mode, accounts)
    in_force: dict[int, list[Halt]] = {}
    for halt in Halt.objects.filter(account__in=halted, lifted_at=None)[:IN_FORCE]:
        halt.account = halted[halt.account_id]
        in_force.setdefault(halt.account_id, []).append(halt)
    shown = [strongest([halt for halt in halts if halt.is_unfinished]) or halts[0] for halts in in_force.values()]
    operators = {
        account_id: halt.requested_by
        for account_id, halts in in_force.items()
        for halt in halts
        if halt.by_operator
    }
    return HaltState(mode, accounts, shown, operators)
