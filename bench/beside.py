"""What other users notice while ten thousand strategies of one are due: for `bench.live`."""

import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

DEPLOY_EVERY = 1.0


@dataclass
class Others:
    """One user with one strategy, and one who deploys. late: seconds from the begin of a session until the one
    strategy is checked. answers: seconds that a deployment took. checked: from its answer to its first check."""

    symbol: str
    late: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    checked: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        from strategies.models import Strategy
        from tests.livetrading.pipeline.desk import deployed, open_account
        from tradedesk.accounts.models import User
        from tradedesk.marketdata.clock import market_clock

        single, self._deployer = (
            User.objects.create_user(f"{name}@example.com", "secret") for name in ("single", "deployer")
        )
        for user in (single, self._deployer):
            open_account(user, 100_000.0)
        parameters, now = {"fast": 10, "slow": 30}, market_clock().now()
        self._single = deployed(
            single, "sma_crossover", [self.symbol], parameters=parameters, deployed_at=now, next_check_at=now
        )
        self._strategy = Strategy.objects.create(
            user=self._deployer,
            name="Deployed meanwhile",
            kind="sma_crossover",
            parameters={"fast": 10, "slow": 30},
            symbols=[self.symbol],
        )
        self._waiting: dict[int, float] = {}
        self._begun = self._last = 0.0
        self._waits, self._deployed = False, 0

    def begin(self) -> None:
        self._begun, self._waits = time.perf_counter(), True

    def look(self, now: datetime) -> None:
        """Call it often."""
        from livetrading.models import LiveStrategy

        moment = time.perf_counter()
        if self._waits and LiveStrategy.objects.filter(pk=self._single.pk, last_check_at=now).exists():
            self.late.append(moment - self._begun)
            self._waits = False
        done = LiveStrategy.objects.filter(pk__in=list(self._waiting), last_check_at__isnull=False)
        for pk in done.values_list("pk", flat=True):
            self.checked.append(moment - self._waiting.pop(pk))
        if moment - self._last > DEPLOY_EVERY:
            self._last = moment
            self._deploy(now)

    def wait(self) -> bool:
        """Whether something is not checked yet."""
        return self._waits or bool(self._waiting)

    def forget(self) -> None:
        """What was measured so far, while the workers loaded code and bars."""
        for measured in (self.late, self.answers, self.checked):
            measured.clear()

    def _deploy(self, now: datetime) -> None:
        from django.utils import timezone

        from livetrading.services.deploy import deploy

        self._deployed += 1
        self._strategy.parameters = {"fast": 10 + self._deployed // 100, "slow": 50 + self._deployed % 100}
        self._strategy.save()
        begun = time.perf_counter()
        live = deploy(
            self._deployer, self._strategy, now=now, wall_now=timezone.now(), deploy_key=uuid.uuid4().hex
        )
        answered = time.perf_counter()
        self.answers.append(answered - begun)
        self._waiting[live.pk] = answered

    def figures(self) -> dict[str, float]:
        """Milliseconds."""
        return {
            "a user's only strategy is checked after, ms: median": float(np.median(self.late)) * 1e3,
            "at most": max(self.late) * 1e3,
            "a deployment is answered after, ms: median": float(np.median(self.answers)) * 1e3,
            f"99% of {len(self.answers)}": float(np.quantile(self.answers, 0.99)) * 1e3,
            "its first check is done after, ms: median": float(np.median(self.checked)) * 1e3,
            "99%": float(np.quantile(self.checked, 0.99)) * 1e3,
        }
