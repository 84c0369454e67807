"""The world of one seed: users and their accounts, hostile brokers, the market, both clocks, queue and workers.

The pipeline is the real one. What it takes from outside (clocks, bars, brokers, the queue, random ids) is replaced
by what is in here.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from random import Random
from typing import Any

from celery import current_app

from livetrading.brokers.protocol import Broker
from livetrading.models import BrokerAccount
from livetrading.services.accounts import empty_books
from tests.livetrading.factories import WALL, make_strategy
from tests.livetrading.pipeline.desk import deployed, open_account
from tests.livetrading.second_broker.broker import SecondBroker
from tests.livetrading.second_broker.market import Path, dollars
from tests.livetrading.second_broker.variants import VARIANTS
from tests.simulation.kind import Coin, install
from tests.simulation.line import Line, LineTo
from tests.simulation.linked_broker import LinkedBroker
from tests.simulation.prices import Clocks, Prices, Shelf
from tests.simulation.violation import Violation
from tests.simulation.workers import Worker
from tradedesk.accounts.models import Mode, User
from tradedesk.core.rules import Costs
from tradedesk.marketdata.sessions import session_close, session_open, sessions_between

SYMBOLS = ("AAA", "BBB", "CCC")
CASH = 100_000
# The first three have bars before the simulation begins.
DAYS: list[date] = sessions_between(date(2012, 1, 3), date(2016, 12, 30)).tolist()
BEFORE = 3
# More workers than these are not held up at once.
HELD_UP = 4
BEAT = ("livetrading.tasks.dispatch_due_accounts", "livetrading.tasks.requeue_lost_orders")


@dataclass
class Desk:
    """One account with the line to its broker. broker: None for the simulated broker, which the pipeline makes
    anew for each call. stopped: the entries that were held back, "" for the account or the id of a strategy, with
    the moment since when."""

    account: BrokerAccount
    line: Line
    broker: SecondBroker | None
    stopped: dict[str, int] = field(default_factory=dict)


class World:
    """seed: decides the accounts and their strategies; what happens to them, the actions decide. step: the number
    of the present action. moment: the number of turns that workers and late requests have had. trace: what has
    happened, in lines. counts: how often what happened."""

    def __init__(self, seed: int, *, keep_trace: bool = False) -> None:
        install()
        random = Random(seed)
        self.seed, self.keep_trace = seed, keep_trace
        self.step = self.moment = 0
        self.clocks = Clocks(session_close(DAYS[BEFORE - 1]))
        self.day = BEFORE - 1
        self.prices, self.shelf = Prices(SYMBOLS), Shelf()
        self.queue: list[tuple[str, tuple[Any, ...]]] = []
        self.held_up: list[Worker] = []
        self.withheld: list[tuple[str, date, tuple[float, float, float, float]]] = []
        self.frozen = False
        self.counts: Counter[str] = Counter()
        self.trace: list[str] = []
        self._digest = sha256()
        for number in range(BEFORE):
            for symbol in SYMBOLS:
                self.prices.begin_session(symbol)
                self.prices.step(symbol, random)
                self.shelf.put(symbol, DAYS[number], self.prices.row(symbol))
        self.desks = [self._desk(name, random) for name in random.choice([("alice",), ("alice", "bob")])]

    def _desk(self, name: str, random: Random) -> Desk:
        user = User.objects.create_user(f"{name}@example.com")
        variant = random.choice([*sorted(VARIANTS), "simulated"])
        line = Line(on_call=lambda text: self.note(f"  {name}: {text}"), moment=lambda: self.moment)
        broker: SecondBroker | None = None
        if variant == "simulated":
            costs = Costs(commission_per_order=1.0, commission_bps=5.0)
            account = open_account(user, CASH, costs).broker_account
        else:
            user.mode = mode = random.choice([Mode.PAPER, Mode.LIVE])
            user.save()
            account = BrokerAccount.objects.create(
                user=user,
                broker="second",
                mode=mode,
                name="Second",
                verified_at=WALL,
                **empty_books(Decimal(CASH)),
            )
            paths = {symbol: Path(dollars(price)) for symbol, price in self.prices.last.items()}
            broker = LinkedBroker(VARIANTS[variant], cash=Decimal(CASH), paths=paths, now=self.clocks.now)
            broker.locks_together, broker.legs_survive = random.random() < 0.7, random.random() < 0.5
        self.note(f"{name} has a {account.mode} account at a broker of the kind {variant}")
        for _ in range(random.choice([1, 2])):
            deployed(user, Coin.key, random.sample(SYMBOLS, 2), account=account, **self._settings(random))
        make_strategy(
            user=user, name="Coin", kind=Coin.key, parameters={"turn": 50}, symbols=[random.choice(SYMBOLS)]
        )
        return Desk(account, line, broker)

    def _settings(self, random: Random) -> dict[str, Any]:
        trailing = random.choice([None, None, 0.05])
        return {
            "parameters": {"turn": random.randint(1, 49)},
            "equity": CASH,
            "deployed_at": self.clocks.now,
            "next_check_at": self.clocks.now,
            "max_positions": random.choice([1, 2, 3]),
            "position_size_pct": random.choice([0.05, 0.1]),
            "max_position_size": Decimal(random.choice([1500, 20_000])),
            "stop_loss_pct": random.choice([None, 0.03, 0.06]),
            "take_profit_pct": random.choice([None, 0.04]),
            "trailing_stop_pct": trailing,
            "fractional": random.random() < 0.3,
        }

    # --- What the pipeline takes from outside ---

    def broker_for(self, made: Callable[[BrokerAccount, datetime], Broker]) -> Callable[..., Broker]:
        """made: makes the simulated broker of an account."""
        desks = {desk.account.pk: desk for desk in self.desks}

        def broker_for(account: BrokerAccount, now: datetime) -> Broker:
            desk = desks[account.pk]
            return LineTo(desk.line, desk.broker or made(account, now))

        return broker_for

    def publish(self, task: str, messages: Any) -> None:
        self.queue += [(task, arguments) for arguments in messages]

    def deliver(self) -> None:
        """The late requests arrive."""
        for desk in self.desks:
            if desk.line.late:
                self.moment += 1
                self.note(f"  {desk.line.deliver()} late requests arrive")

    # --- Time ---

    def wait(self, seconds: float) -> None:
        self.set_time(self.clocks.now + timedelta(seconds=seconds))

    def set_time(self, now: datetime) -> None:
        """Both clocks go on, or jump back, to this market time."""
        self.clocks.wall += now - self.clocks.now
        self.clocks.now = now
        for desk in self.desks:
            if desk.broker is not None:
                desk.broker.now = now

    def is_open(self) -> bool:
        return session_open(DAYS[self.day]) <= self.clocks.now < session_close(DAYS[self.day])

    # --- Workers ---

    def start(
        self, name: str, task: Callable[[], object], points: int | None = None, life: int | None = None
    ) -> None:
        """Let a new worker do this. points, life: after how many points it is held up or killed."""
        self.moment += 1
        worker = Worker(name, task)
        self.note(f"  {name} begins")
        if not worker.go_on(points, life):
            self.held_up.append(worker)
            self.note(f"  {name} is held up")
        else:
            self._ended(worker)
        if len(self.held_up) > HELD_UP:
            self.resume(0)

    def resume(self, number: int, points: int | None = None, life: int | None = None) -> None:
        """A worker that was held up goes on."""
        self.moment += 1
        worker = self.held_up[number % len(self.held_up)]
        self.note(f"  {worker.name} goes on")
        if worker.go_on(points, life):
            self.held_up.remove(worker)
            self._ended(worker)

    def run_message(self, number: int = 0, points: int | None = None, life: int | None = None) -> None:
        task, arguments = self.queue.pop(number)
        self.start(task.rpartition(".")[2], lambda: current_app.tasks[task](*arguments), points, life)

    def abandon(self) -> None:
        for worker in self.held_up:
            worker.kill()
        self.held_up = []

    def _ended(self, worker: Worker) -> None:
        if worker.was_killed:
            self.counts["kills"] += 1
            self.note(f"  {worker.name} is killed")
        if isinstance(worker.error, Violation):
            raise worker.error
        if worker.error is not None:
            raise Violation(f"{worker.name} raised {worker.error!r}") from worker.error

    # --- The record ---

    def note(self, line: str) -> None:
        self._digest.update(line.encode())
        if self.keep_trace:
            self.trace.append(line)

    def digest(self) -> str:
        return self._digest.hexdigest()
