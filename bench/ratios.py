"""The engine as a ratio to kernels written by hand: `python -m bench.ratios [JOB ...]`.

CPU time of this process, medians of runs that alternate between the engines, so that other load on the machine
meets all of them.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from backtests.engine.kernel import write_figures
from backtests.engine.simulation import prepare_scenario, simulate
from backtests.research.optimizer.figures import FIGURES
from backtests.research.optimizer.grid import Combination
from backtests.research.optimizer.sweep import (
    NO_SESSIONS,
    NO_TRIALS,
    NO_WEEKS,
    sweep,
    sweep_trials,
)
from backtests.research.robustness.multipliers import multipliers
from bench import by_hand, desk
from bench.task import ACCOUNT, CAPITAL, PAIR, POSITION, SWEEP, SYMBOL, SYMBOLS, daily, many_symbols
from strategies.kinds import kinds
from strategies.kinds.buy_and_hold import BuyAndHold
from strategies.kinds.sma_crossover import SmaCrossover
from tradedesk.core.bars import read_only
from tradedesk.core.rules import RiskRules, kernel_rules

REPEATS = 7
SHORTEST = 0.05  # seconds of one timing
HELD = 50
ROW = "{:<58}{:>12}{:>12}{:>12}{:>10}\n"
Run = Callable[[], Any]
# The peak starts again once the bars are there: it is read from /proc, since ru_maxrss begins with the parent's.
MEMORY = """
import sys
from importlib import import_module
from bench.task import minutes
run = import_module(sys.argv[1]).million
minutes()
open("/proc/self/clear_refs", "w").write("5")
run()
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def main(chosen: list[str]) -> None:
    sys.stdout.write("\nCPU time by hand and the engines' ratio to it, medians of alternating runs\n")
    sys.stdout.write(ROW.format("", "by hand", "tradedesk", "raptorbt", "time"))
    for name, job in JOBS.items():
        if not chosen or name in chosen:
            job()
            sys.stdout.flush()


def report(title: str, hand: Run, ours: Run, peer: Run | None = None, parts: int = 1) -> None:
    """parts: of one run, such as combinations; the time shown is that of one."""
    runs = [hand, ours, *([peer] if peer else [])]
    seconds = alternating(runs)
    ratios = [f"{each / seconds[0]:.2f} x" for each in seconds[1:]]
    sys.stdout.write(ROW.format(title, shown(seconds[0] / parts), *[*ratios, "-"][:2], shown(seconds[1] / parts)))


def alternating(runs: list[Run]) -> list[float]:
    """The median seconds of CPU of each."""
    numbers = []
    for run in runs:
        run()
        numbers.append(max(1, round(SHORTEST / max(timed(run, 1), 1e-6))))
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(REPEATS):
        for run, number, own in zip(runs, numbers, times, strict=True):
            own.append(timed(run, number))
    return [median(own) for own in times]


def timed(run: Run, number: int) -> float:
    before = time.process_time()
    for _ in range(number):
        run()
    return (time.process_time() - before) / number


def shown(seconds: float) -> str:
    return f"{seconds * 1e6:,.1f} us" if seconds < 1e-3 else f"{seconds * 1e3:,.2f} ms"


def single() -> None:
    report(
        f"J1 AAPL daily, {len(daily()):,} bars, whole call",
        by_hand.single,
        lambda: desk.whole_simulation(daily(), *PAIR),
        peer("single"),
    )


def million() -> None:
    report("J2 1,000,000 minute bars, whole call", by_hand.million, desk.million, peer("million"))
    for name in ("by_hand", "desk", "peer_raptorbt"):
        sys.stdout.write(f"{f'   peak memory of a process, {name}':<58}{peak_megabytes(name):>9,.0f} MB\n")


def peak_megabytes(engine: str) -> float:
    """Of a process that does J2 with bars that it has, imports and bars included."""
    command = [sys.executable, "-c", MEMORY, f"bench.{engine}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ})  # noqa: S603 - this interpreter
    return float(done.stdout.splitlines()[-1]) / 1024


def combinations() -> None:
    scenario = prepare_scenario({SYMBOL: daily()}, capital=CAPITAL, rules=desk.RULES, costs=desk.COSTS)
    chosen: list[Combination] = [{"fast": fast, "slow": slow} for fast, slow in SWEEP]
    report(
        f"J3 {len(SWEEP):,} combinations of SMA on AAPL, a combination",
        partial(by_hand.sweep, SWEEP),
        lambda: sweep(scenario, SmaCrossover, chosen),
        peer("sweep", SWEEP),
        len(SWEEP),
    )
    some = [SmaCrossover(fast=fast, slow=slow) for fast, slow in SWEEP[::10]]
    sides = SmaCrossover.sides_in_batch(some, daily())[:, :, np.newaxis]
    strength, out, hand_out = (
        np.ones((1, 1, 1)),
        np.empty(len(some), FIGURES),
        np.empty((len(some), 5)),
    )
    days = by_hand.session_days(daily().time.view(np.int64))
    market = (
        *scenario.matrix.prices(0, desk.RULES),
        *scenario.sessions,
        read_only(sides),
        read_only(strength),
        CAPITAL,
        kernel_rules(desk.RULES, desk.COSTS),
        NO_SESSIONS,
        NO_SESSIONS,
        out,
        NO_WEEKS,
        NO_TRIALS,
    )
    report(
        f"J3 the kernel alone, {len(some)} of them",
        lambda: by_hand.sweep_of_sides(daily(), sides[:, :, 0], days, hand_out),
        lambda: write_figures(*market),
        parts=len(some),
    )


def portfolio() -> None:
    rules = RiskRules(position_size_pct=1.0, max_position_size=POSITION, max_positions=SYMBOLS, stop_loss_pct=0.99)
    kind, bars = SmaCrossover(fast=PAIR[0], slow=PAIR[1]), many_symbols()
    report(
        f"J4 {len(bars)} symbols x {len(next(iter(bars.values()))):,} bars, whole call",
        by_hand.portfolio,
        lambda: simulate(kind, bars, capital=ACCOUNT, rules=rules, costs=desk.COSTS),
        peer("portfolio"),
    )


def other_kinds() -> None:
    """Microseconds a combination of a sweep, over the kind's own search ranges."""
    scenario = prepare_scenario({SYMBOL: daily()}, capital=CAPITAL, rules=desk.RULES, costs=desk.COSTS)
    for key, kind in kinds().items():
        if key in ("buy_and_hold", "momentum_rotation"):
            continue
        chosen = searched(kind, 256)
        (seconds,) = alternating([lambda kind=kind, chosen=chosen: sweep(scenario, kind, chosen)])  # type: ignore[misc]  # a lambda with defaults
        sys.stdout.write(f"   {key:<55}{seconds / len(chosen) * 1e6:>9.1f} us a combination\n")


def searched(kind: Any, most: int) -> list[dict[str, Any]]:
    """Evenly spaced combinations of the whole grid of the kind's search ranges."""
    from itertools import islice, product

    values = {}
    for name, param in kind.params().items():
        low, high, step = param.search
        count = round((high - low) / step) + 1
        values[name] = [type(param.default)(round(low + place * step, 6)) for place in range(count)]
    size = int(np.prod([len(each) for each in values.values()]))
    found = []
    for combination in islice(product(*values.values()), 0, None, max(1, size // (2 * most))):
        chosen = dict(zip(values, combination, strict=True))
        try:
            kind(**chosen)
        except ValueError:
            continue
        found.append(chosen)
    return found[:most]


def held() -> None:
    """BUY on every bar: with 10% each the first ten take the cash, and the others ask for it on every bar."""
    bars = dict(list(many_symbols().items())[:HELD])
    signals, cells = BuyAndHold().signals_by_symbol(bars), HELD * len(next(iter(bars.values())))
    for title, rules in {
        "an equal part each": RiskRules(position_size_pct=0.95 / HELD, max_positions=HELD, stop_loss_pct=None),
        "10% each, so ten are held": RiskRules(position_size_pct=0.1, max_positions=HELD, stop_loss_pct=None),
        "one position at most": RiskRules(position_size_pct=0.95, max_positions=1, stop_loss_pct=None),
    }.items():
        scenario = prepare_scenario(bars, capital=ACCOUNT, rules=rules, costs=desk.COSTS)
        (seconds,) = alternating([partial(scenario.evaluate, signals)])
        title = f"   buy and hold, {HELD} symbols, {title}"
        sys.stdout.write(f"{title:<58}{seconds / cells * 1e9:>9.1f} ns a bar and symbol\n")


def chance() -> None:
    """The maxima of the weekly sums with the multipliers, beside one float32 product of the same size."""
    scenario = prepare_scenario({SYMBOL: daily()}, capital=CAPITAL, rules=desk.RULES, costs=desk.COSTS)
    chosen: list[Combination] = [{"fast": fast, "slow": slow} for fast, slow in SWEEP]
    random = np.random.default_rng(1)
    weeks = len(daily()) // 5
    left = random.standard_normal((len(SWEEP), weeks), np.float32)
    right = np.asarray(multipliers(0, weeks), np.float32)
    product_of = partial(np.matmul, left, right if right.shape[0] == weeks else right.T)
    seconds = alternating(
        [
            lambda: product_of().max(axis=0),
            lambda: sweep(scenario, SmaCrossover, chosen),
            lambda: sweep_trials(scenario, SmaCrossover, chosen),
        ]
    )
    extra = seconds[2] - seconds[1]
    sys.stdout.write(
        ROW.format("J3 the line of chance", shown(seconds[0]), f"{extra / seconds[0]:.2f} x", "-", shown(extra))
    )


def peer(job: str, *given: Any) -> Run | None:
    try:
        from bench import peer_raptorbt
    except ImportError:
        return None
    return partial(getattr(peer_raptorbt, job), *given)


JOBS: dict[str, Run] = {
    "single": single,
    "million": million,
    "sweep": combinations,
    "chance": chance,
    "portfolio": portfolio,
    "kinds": other_kinds,
    "held": held,
}

if __name__ == "__main__":
    main(sys.argv[1:])
