"""Fills a prepared desk with one user's large history. Rows are written by the database itself from a sequence of
numbers, with the indexes made afterwards, so that a million take seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, models
from django.utils import timezone

from backtests.models import Backtest
from backtests.services import create_backtest, run_backtest
from livetrading.models import (
    AccountDay,
    BarDecision,
    BrokerAccount,
    Fill,
    LiveStrategy,
    Order,
    OrderState,
    PaperPosition,
    PaperTrade,
    SignalHistory,
)
from livetrading.models.decision_code import DecisionCode
from livetrading.services.accounts import active_account
from livetrading.services.trade_totals import differences
from strategies.models import Strategy
from tradedesk.accounts.models import Mode, User
from tradedesk.core.rules import RiskRules
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.sessions import session_close

SESSION = date(2010, 3, 8)
# Calendar days of the history.
DAYS = 3650
# Those of the sample bars that have traded before the session.
SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT")


@dataclass(frozen=True, slots=True)
class Sizes:
    trades: int = 1_000_000
    signals: int = 1_000_000
    orders: int = 1_200_000
    strategies: int = 10_000
    open_lots: int = 2_000
    backtests: int = 5_000

    def divided(self, by: int) -> "Sizes":
        return Sizes(*(max(1, getattr(self, name) // by) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Sql:
    """A value that the database works out for each number n, from 1."""

    text: str


def whole_backtest(user: User) -> int:
    """One that has run, over nine years, with its trades and curves."""
    strategy = Strategy.objects.filter(user=user)[0]
    period: dict[str, Any] = {"start_date": date(2001, 1, 2), "end_date": date(2009, 12, 31)}
    symbols = ["AAPL", "IBM", "MSFT"]
    made = create_backtest(
        user, strategy, initial_capital=100_000, wall_now=timezone.now(), symbols=symbols, **period
    )
    run_backtest(made.pk, timezone.now)
    return made.pk


def fill_desk(user: User, sizes: Sizes) -> None:
    now = session_close(SESSION)
    ReplayMarket.objects.update(session=SESSION)
    account = active_account(user.pk, Mode.PAPER, now)
    BrokerAccount.objects.filter(pk=account.pk).update(snapshot_at=now, equity_day=SESSION)
    with _without_foreign_keys():
        _fill(user, account, sizes, now)
    list(differences(mend=True))
    if connection.vendor == "postgresql":  # as autovacuum does; no desk on SQLite has statistics
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _fill(user: User, account: BrokerAccount, sizes: Sizes, now: datetime) -> None:
    rules = RiskRules().as_dict()
    strategy = Strategy(
        user=user, name="", kind="sma_crossover", parameters={"fast": 10, "slow": 30}, symbols=list(SYMBOLS)
    )
    _copies(strategy, sizes.strategies, name=Sql("'Strategy ' || n"))
    live = LiveStrategy(
        user=user,
        account=account,
        name="",
        kind="sma_crossover",
        parameters={"fast": 10, "slow": 30},
        symbols=list(SYMBOLS[:3]),
        deployed_at=now,
        next_check_at=now,
        last_check_at=now,
        starting_equity=Decimal(100_000),
        last_seen={
            s: {
                "bar_time": now.isoformat(),
                "close": 10,
                "side": "hold",
                "code": "hold",
                "sentence": "SMA 10 is above SMA 30",
            }
            for s in SYMBOLS[:3]
        },
    )
    _copies(
        live,
        sizes.strategies,
        name=Sql("'Strategy ' || n"),
        strategy=Sql("n"),
        deploy_key=Sql(_text("n")),
        fingerprint=Sql(_text("n")),
    )
    each = f"1 + n % {sizes.strategies}"
    symbol = Sql("CASE n % 4 " + " ".join(f"WHEN {i} THEN '{s}'" for i, s in enumerate(SYMBOLS)) + " END")
    when = {"signal": _ago(sizes.signals, now), "order": _ago(sizes.orders, now), "trade": _ago(sizes.trades, now)}
    signal = SignalHistory(
        user=user,
        side="buy",
        strength=1.0,
        price=Decimal(100),
        explanation="SMA 10 crossed above SMA 30",
        outcome=SignalHistory.Outcome.ORDERED,
        code=DecisionCode.ORDERED,
    )
    _copies(
        signal,
        sizes.signals,
        live_strategy=Sql(each),
        symbol=symbol,
        bar_time=when["signal"],
        created_at=when["signal"],
        outcome=Sql("CASE WHEN n % 5 = 0 THEN 'refused' ELSE 'ordered' END"),
    )
    order = Order(
        user=user,
        account=account,
        side="buy",
        purpose=Order.Purpose.ENTRY,
        quantity=Decimal(10),
        filled_quantity=Decimal(10),
        filled_price=Decimal(100),
        state=OrderState.FILLED,
    )
    own: dict[str, Any] = {
        "id": Sql(_uuid("n")),
        "symbol": symbol,
        "live_strategy": Sql(each),
        "client_order_id": Sql(_text("n")),
        "signal": Sql(f"CASE WHEN n <= {sizes.signals} THEN n END"),
    }
    _copies(order, sizes.orders, **own, created_at=when["order"], state_changed_at=when["order"])
    fill = Fill(account=account, quantity=Decimal(10), price=Decimal(100))
    _copies(fill, sizes.orders, order=Sql(_uuid("n")), activity_id=Sql(_text("n")), time=when["order"])
    trade = PaperTrade(
        user=user,
        account=account,
        quantity=Decimal(10),
        entry_price=Decimal(100),
        exit_quantity=Decimal(10),
        exit_price=Decimal(101),
        exit_reason="signal",
        initial_stop_price=Decimal(90),
        stop_price=Decimal(90),
        commission=Decimal(1),
    )
    held = f"n > {sizes.trades - sizes.open_lots}"
    _copies(
        trade,
        sizes.trades,
        live_strategy=Sql(each),
        opening_order=Sql(_uuid("n")),
        symbol=symbol,
        entry_time=when["trade"],
        exit_time=Sql(f"CASE WHEN {held} THEN NULL ELSE {when['trade'].text} END"),
        exit_quantity=Sql(f"CASE WHEN {held} THEN 0 ELSE 10 END"),
        exit_reason=Sql(f"CASE WHEN {held} THEN '' ELSE 'signal' END"),
        pnl=Sql(f"CASE WHEN {held} THEN -1 ELSE n % 41 - 20 END"),
    )
    # Each open lot has its stop.
    stop = Order(
        user=user,
        account=account,
        side="sell",
        purpose=Order.Purpose.STOP_LOSS,
        quantity=Decimal(10),
        stop_price=Decimal(90),
        state=OrderState.GUARDED,
        holder=Order.Holder.DESK,
        created_at=now,
        state_changed_at=now,
    )
    first = sizes.trades - sizes.open_lots
    _copies(
        stop,
        sizes.open_lots,
        id=Sql(_uuid(f"n + {sizes.orders}")),
        symbol=Sql(symbol.text.replace("n % 4", f"(n + {first}) % 4")),
        live_strategy=Sql(f"1 + (n + {first}) % {sizes.strategies}"),
        client_order_id=Sql(_text(f"n + {sizes.orders}")),
        opening_order=Sql(_uuid(f"n + {first}")),
    )
    PaperPosition.objects.bulk_create(
        PaperPosition(
            account=account,
            symbol=s,
            quantity=Decimal(sizes.open_lots * 10) / 4,
            average_price=Decimal(100),
            updated_at=now,
        )
        for s in SYMBOLS
    )
    decision = BarDecision(
        close=Decimal(100),
        side="hold",
        strength=0.0,
        explanation="SMA 10 is above SMA 30",
        code="hold",
        sentence="SMA 10 is above SMA 30",
        kept_until=now,
        checked_at=now,
    )
    _copies(
        decision,
        sizes.signals // 4,
        live_strategy=Sql(each),
        symbol=symbol,
        bar_time=when["signal"],
        checked_at=when["signal"],
    )
    day = AccountDay(account=account, start=Decimal(100_000), equity=Decimal(100_100))
    _copies(day, min(DAYS, 1500), day=Sql(_day("n")))
    backtest = Backtest(
        user=user,
        strategy_name="SMA",
        kind="sma_crossover",
        parameters={"fast": 10, "slow": 30},
        symbols=["AAPL", "MSFT"],
        start_date=date(2001, 1, 2),
        end_date=date(2009, 12, 31),
        initial_capital=Decimal(100_000),
        rules=rules,
        status=Backtest.Status.COMPLETED,
        created_at=now,
        heartbeat_at=now,
        metrics={"total_return": 0.125, "sharpe": 0.8, "max_drawdown": 0.091},
    )
    _copies(backtest, sizes.backtests, strategy=Sql(f"1 + n % {sizes.strategies}"))


def _copies(row: models.Model, number: int, **values: Sql) -> None:
    """So many rows like this one, with these values instead of its own."""
    fields = [
        field
        for field in row._meta.concrete_fields
        if field.name in values or not (field.primary_key and isinstance(field, models.AutoField))
    ]
    columns, texts, parameters = [], [], []
    for field in fields:
        columns.append(connection.ops.quote_name(str(field.column)))
        if field.name in values:
            texts.append(values[field.name].text.replace("%", "%%"))
        else:
            texts.append(
                "CAST(%s AS "
                + str(field.db_type(connection))
                .partition(" COLLATE")[0]
                .partition(" CHECK")[0]
                .replace("bigserial", "bigint")
                + ")"
                if connection.vendor == "postgresql"
                else "%s"
            )
            parameters.append(field.get_db_prep_save(field.pre_save(row, add=True), connection))
    table = row._meta.db_table
    # SQLite adapts what psycopg takes by itself.
    head = f"INSERT INTO {table} ({', '.join(columns)})"
    if connection.vendor == "postgresql":
        statement = f"{head} SELECT {', '.join(texts)} FROM generate_series(1, {number}) AS numbers(n)"  # noqa: S608 - names of our own tables
    else:
        series = f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number})"  # noqa: S608 - a number
        statement = f"{head} {series} SELECT {', '.join(texts)} FROM numbers"  # noqa: S608 - names of our own tables
    with _without_indexes(table), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@contextmanager
def _without_foreign_keys() -> Iterator[None]:
    """A check of each of them takes as long as the row."""
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica" if postgres else "PRAGMA foreign_keys = OFF")
        yield
        cursor.execute("SET session_replication_role = DEFAULT" if postgres else "PRAGMA foreign_keys = ON")


@contextmanager
def _without_indexes(table: str) -> Iterator[None]:
    """Without those that hold no constraint: making an index of all rows is faster than adding to it."""
    if connection.vendor == "postgresql":
        query = (
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        )
    else:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = %s"
    with connection.cursor() as cursor:
        cursor.execute(query, [table])
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
        yield
        for _, definition in found:
            cursor.execute(definition)


def _uuid(number: str) -> str:
    if connection.vendor == "postgresql":
        return f"CAST(lpad(to_hex({number}), 32, '0') AS uuid)"
    return f"printf('%032x', {number})"


def _text(number: str) -> str:
    return f"CAST({number} AS text)"


def _ago(number: int, now: datetime) -> Sql:
    """Evenly through the history; the last number is now."""
    seconds = f"CAST(({number} - n) * {DAYS * 86400 / number} AS bigint)"
    if connection.vendor == "postgresql":
        return Sql(f"timestamptz '{now:%Y-%m-%d %H:%M:%S}+00' - {seconds} * interval '1 second'")
    return Sql(f"datetime('{now:%Y-%m-%d %H:%M:%S}', '-' || {seconds} || ' seconds')")


def _day(number: str) -> str:
    if connection.vendor == "postgresql":
        return f"date '{SESSION}' - CAST({number} AS integer)"
    return f"date('{SESSION}', '-' || {number} || ' days')"
