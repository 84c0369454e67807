"""The mode of a user, for the API, and what a switch to live mode would do, for its dialog."""

import copy
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from django.conf import settings

from livetrading.models import BrokerAccount, LiveStrategy, Order
from livetrading.pipeline.gate import gate
from livetrading.services.broker_accounts import is_live_configured
from livetrading.services.mode import NoLiveKeys, NoSecondFactor, problem_with_live
from livetrading.summaries.account import find_account, summarize_account
from tradedesk.accounts.models import Mode, User
from tradedesk.core.money import to_decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ModeState:
    """last_mode_change: wall time, None before the first one. paper_balance: the cash of the paper account, None
    before its broker's first report. paper_realized_pnl: dollars of all its sales, after commissions."""

    active_mode: str
    last_mode_change: datetime | None
    paper_balance: Decimal | None
    paper_realized_pnl: Decimal
    is_live_broker_configured: bool


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A strategy of a live account. size: dollars of one position at the equity of now, None when that is not
    known. held_back: why it would enter nothing in live mode, "" when it may trade."""

    live: LiveStrategy
    positions: int
    size: Decimal | None
    held_back: str


@dataclass(frozen=True, slots=True)
class LiveSwitch:
    """What live mode means now. problem: why the user cannot switch, "" when it only has to be confirmed; the two
    flags say what is missing. account: the active live one. others: the other live accounts that strategies trade
    in. positions: those of all of them, value what they are worth in dollars. rows: the strategies, of
    which `may_trade` would enter. paper: active strategies on paper, which then enter nothing."""

    problem: str
    needs_keys: bool
    needs_second_factor: bool
    account: BrokerAccount | None
    others: list[BrokerAccount]
    positions: int
    value: Decimal
    rows: list[LiveRow]
    may_trade: int
    paper: int
    first_time: bool

    @property
    def digest(self) -> str:
        """Of what may trade, where and how large: what is confirmed is this and nothing else. Money and lots are
        not in it, because they change all the time."""
        rows = []
        for row in self.rows:
            live, rules = row.live, row.live.risk_rules()
            size = (live.traded_size_pct, rules.max_position_size, rules.max_positions)
            rows.append((live.pk, live.account_id, not row.held_back, size, rules.stop_loss_pct, rules.has_stop))
        shown = (self.account and self.account.pk, rows)
        return sha256(json.dumps(shown, default=str).encode()).hexdigest()[:32]


def read_mode(user: User) -> ModeState:
    """The number of queries is constant."""
    account = find_account(user, Mode.PAPER)
    return ModeState(
        active_mode=user.mode,
        last_mode_change=user.mode_changed_at,
        paper_balance=account.cash if account else to_decimal(settings.PAPER_STARTING_CASH),
        paper_realized_pnl=account.realized_pnl if account else ZERO,
        is_live_broker_configured=is_live_configured(user),
    )


def read_live_switch(user: User, now: datetime) -> LiveSwitch:
    """The number of queries depends on the number of accounts, not on that of strategies and lots."""
    problem, account = problem_with_live(user), find_account(user, Mode.LIVE)
    deployed = user.live_strategies.filter(account__mode=Mode.LIVE).exclude(status=LiveStrategy.Status.STOPPED)
    strategies = list(deployed.select_related("account").order_by("status", "name", "pk"))
    others = {live.account_id: live.account for live in strategies if not live.account.active}
    accounts = ([account] if account else []) + list(others.values())
    summaries = {each.pk: summarize_account(each, now) for each in accounts}
    rows = []
    for live in strategies:
        lots = summaries[live.account_id].lots_of(live.pk)
        rows.append(LiveRow(live, len({lot.trade.symbol for lot in lots}), _size(live), _held_back(user, live)))
    on_paper = user.live_strategies.filter(account__mode=Mode.PAPER, status=LiveStrategy.Status.ACTIVE)
    return LiveSwitch(
        problem=str(problem or ""),
        needs_keys=isinstance(problem, NoLiveKeys),
        needs_second_factor=isinstance(problem, NoSecondFactor),
        account=account,
        others=list(others.values()),
        positions=sum(len(each.positions) for each in summaries.values()),
        value=sum((each.market_value for each in summaries.values()), ZERO),
        rows=rows,
        may_trade=sum(not row.held_back for row in rows),
        paper=on_paper.count(),
        first_time=user.first_live_at is None,
    )


def _held_back(user: User, live: LiveStrategy) -> str:
    in_live_mode = copy.copy(user)
    in_live_mode.mode = Mode.LIVE
    return gate(Order.Purpose.ENTRY, live.account, in_live_mode, live).reason


def _size(live: LiveStrategy) -> Decimal | None:
    equity, rules = live.account.equity, live.risk_rules()
    if equity is None:
        return None
    full = min(rules.position_size_pct * float(equity), float(rules.max_position_size or "inf"))
    return to_decimal(full * live.size_fraction)
