"""A promotion on the pages: the size that it would trade, and paper and live side by side."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from django.db.models import F, FloatField, Sum
from django.db.models.functions import Cast

from backtests.research.robustness.as_expected import Answer, MeanBand, as_expected
from livetrading.models import LiveStrategy, Promotion
from livetrading.models.signal import OrderSide
from livetrading.models.trade import trades_of
from livetrading.services.promotion import promotion_problem, returns_of_backtest
from livetrading.summaries.account import find_account
from livetrading.summaries.evidence import tested_size
from tradedesk.accounts.models import Mode, User
from tradedesk.core.bars import Floats
from tradedesk.marketdata.quotes import read_quotes

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class FirstSize:
    """What the first stage would trade. pct: of the account's equity a position; full_pct at the full size, and
    tested_pct in the backtest, if there is one. dollars: of a position at the equity of now, None when that is not
    known. too_dear: the symbols of which it buys no whole share."""

    fraction: float
    pct: float
    full_pct: float
    tested_pct: float | None
    dollars: Decimal | None
    too_dear: list[str]


@dataclass(frozen=True, slots=True)
class Closed:
    """The closed trades of one deployment, or of a backtest. returns: fractions of the cost, in their order. pnl
    and drawdown: dollars; the deepest fall of the realized profit, positive. slippage: basis points that orders
    paid above the close of their signal, or received below it. None where nothing is known."""

    returns: Floats
    pnl: Decimal | None = None
    drawdown: Decimal | None = None
    slippage: float | None = None

    @property
    def trades(self) -> int:
        return len(self.returns)

    @property
    def win_rate(self) -> float | None:
        return float(np.mean(self.returns > 0)) if self.trades else None

    @property
    def mean(self) -> float | None:
        return float(np.mean(self.returns)) if self.trades else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """promoted: the live deployment. tested_pct: the position size of its backtest, if there is one. answer, band:
    how the mean of its trades lies to what its backtest led one to expect of as many."""

    paper: LiveStrategy
    promoted: LiveStrategy
    promotion: Promotion | None
    tested_pct: float | None
    tested: Closed
    on_paper: Closed
    live: Closed
    answer: Answer
    band: MeanBand | None


@dataclass(frozen=True, slots=True)
class Offer:
    """The page that asks. problem: why it cannot be promoted, "" when it can. tested: how many closed trades there
    are to compare with."""

    problem: str
    account_name: str
    equity: Decimal | None
    tested: int


def offer_of(user: User, paper: LiveStrategy) -> Offer:
    account = find_account(user, Mode.LIVE)
    return Offer(
        promotion_problem(paper, user),
        account.name if account else "",
        account.equity if account else None,
        len(returns_of_backtest(paper)),
    )


def first_size(
    user: User, paper: LiveStrategy, fraction: float, equity: Decimal | None, now: datetime
) -> FirstSize:
    rules = paper.risk_rules()
    pct, most = rules.position_size_pct * fraction, float(rules.max_position_size or "inf") * fraction
    source = paper.backtest or paper.candidate
    sizes = (fraction, pct, rules.position_size_pct, tested_size(source) if source else None)
    if equity is None:
        return FirstSize(*sizes, None, [])
    dollars = min(pct * float(equity), most)
    quotes = read_quotes(user.pk, {(symbol, paper.timeframe) for symbol in paper.symbols}, now)
    last = {symbol: float(quote.last) for (symbol, _), quote in quotes.items()}
    too_dear = [] if rules.fractional else [s for s in paper.symbols if last.get(s, 0.0) > dollars]
    return FirstSize(*sizes, Decimal(dollars), too_dear)


def compare(user: User, shown: LiveStrategy) -> Comparison | None:
    """Paper and live of a promotion, for the page of either; None when it has no other side. At most five queries,
    however many trades there are."""
    paper: LiveStrategy | None = shown
    promoted: LiveStrategy | None = shown
    if shown.mode == Mode.PAPER:
        newest = user.live_strategies.filter(promoted_from=shown).select_related("account")
        promoted = newest.order_by("-pk").first()
    else:
        own = LiveStrategy.with_deleted.filter(user=user).select_related("account")
        origin = shown.promoted_from_id
        paper = None if origin is None else own.filter(pk=origin).first()
    if paper is None or promoted is None:
        return None
    promotion = Promotion.objects.filter(live_strategy=promoted).first()
    slippage = _slippage(user, [paper, promoted])
    tested = Closed(np.array(promotion.tested_returns if promotion else [], np.float64))
    on_paper, live = (_closed(user, each, slippage.get(each.pk)) for each in (paper, promoted))
    answer, band = as_expected(tested.returns, live.returns)
    source = shown.backtest or shown.candidate
    size = tested_size(source) if source else None
    return Comparison(paper, promoted, promotion, size, tested, on_paper, live, answer, band)


def deepest_fall(profits: Iterable[Decimal]) -> Decimal:
    """The deepest fall of the sum below its highest value so far, which is at least zero; positive."""
    total = peak = fall = ZERO
    for profit in profits:
        total += profit
        peak = max(peak, total)
        fall = max(fall, peak - total)
    return fall


def _closed(user: User, live: LiveStrategy, slippage: float | None) -> Closed:
    rows = trades_of(user, live.mode).filter(live_strategy=live, exit_time__isnull=False)
    values = list(rows.order_by("exit_time", "pk").values_list("pnl", "quantity", "entry_price"))
    returns = np.array([float(pnl / (quantity * price)) for pnl, quantity, price in values], np.float64)
    profits = [pnl for pnl, _, _ in values]
    return Closed(returns, sum(profits, ZERO), deepest_fall(profits), slippage)


def _slippage(user: User, rows: list[LiveStrategy]) -> dict[int, float]:
    """By the id of the live strategy, weighted by dollars. One query."""
    filled = user.orders.filter(live_strategy__in=rows, signal__isnull=False, filled_quantity__gt=0).order_by()
    shares, price, close = (
        Cast(F(name), FloatField()) for name in ("filled_quantity", "filled_price", "signal__price")
    )
    sums = filled.values_list("live_strategy_id", "side").annotate(
        at_fill=Sum(shares * price), at_close=Sum(shares * close)
    )
    worse: dict[int, float] = {}
    base: dict[int, float] = {}
    for live_id, side, at_fill, at_close in sums:
        sign = 1.0 if side == OrderSide.BUY else -1.0
        worse[live_id] = worse.get(live_id, 0.0) + sign * (at_fill - at_close)
        base[live_id] = base.get(live_id, 0.0) + at_close
    return {live_id: worse[live_id] / base[live_id] * 10_000 for live_id in worse if base[live_id]}
