"""The command of `make simulate`: run seeds, and print the shortest trace of one that fails."""

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext

from tests.simulation.actions import Action, schedule, weigh
from tests.simulation.mutations import FOUND_BY, MUTATIONS, without
from tests.simulation.run import Outcome, run
from tests.simulation.shrink import shrink

SESSIONS_OF_A_YEAR = 252


def main() -> int:
    arguments = _arguments()
    if arguments.by_hand:
        weigh("order_by_hand", 6, 2)
    if arguments.guards:
        return _find_each_missing_guard(arguments)
    first = arguments.first if arguments.seed is None else arguments.seed
    seeds = range(first, first + (arguments.seeds if arguments.seed is None else 1))
    began, total, failed, cents = time.perf_counter(), Counter[str](), list[Outcome](), 0
    for seed in seeds:
        outcome = _run(seed, arguments)
        total += outcome.counts
        cents += outcome.cents
        if arguments.json:
            print(json.dumps({"seed": seed, "digest": outcome.digest, "error": outcome.error}), flush=True)
        if outcome.error:
            failed.append(outcome)
            if not arguments.json:
                print(f"SEED={seed} DAYS={arguments.days} fails: {outcome.error}", flush=True)
            if arguments.stop:
                break
    if not arguments.json:
        _summarize(total, cents, failed, time.perf_counter() - began)
        if failed and not arguments.no_shrink:
            _print_shortest(failed[0].seed, arguments)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seed", type=int, help="this seed alone")
    parser.add_argument("--seeds", type=int, default=1, help="so many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--days", type=int, default=20, help="sessions of each seed")
    parser.add_argument("--without", choices=sorted(MUTATIONS), help="without this guard of the pipeline")
    parser.add_argument("--guards", action="store_true", help="find each missing guard, and print by which seed")
    parser.add_argument("--by-hand", action="store_true", help="users place orders by hand, too")
    parser.add_argument("--stop", action="store_true", help="stop at the first seed that fails")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each seed")
    parser.add_argument("--no-shrink", action="store_true", help="do not look for the shortest trace")
    return parser.parse_args()


def _find_each_missing_guard(arguments: argparse.Namespace) -> int:
    missed = 0
    for guard, known in FOUND_BY.items():
        arguments.without = guard
        # The known one first; it no longer finds it when the schedule has changed.
        outcomes = (_run(seed, arguments) for seed in (known, *range(1, 51)))
        found = next((outcome for outcome in outcomes if outcome.error), None)
        missed += found is None
        seed, error = (found.seed, found.error) if found else (None, "")
        print(json.dumps({"guard": guard, "seed": seed, "error": error}), flush=True)
    return 1 if missed else 0


def _run(
    seed: int,
    arguments: argparse.Namespace,
    actions: Sequence[Action] | None = None,
    *,
    keep_trace: bool = False,
) -> Outcome:
    with without(arguments.without) if arguments.without else nullcontext():
        return run(seed, arguments.days, actions=actions, keep_trace=keep_trace)


def _summarize(total: Counter[str], cents: int, failed: list[Outcome], seconds: float) -> None:
    years = total["days"] / SESSIONS_OF_A_YEAR
    print(
        f"{total['days']:,} days ({years:.1f} years), {total['orders']:,} orders, {total['fills']:,} fills, "
        f"{total['faults']:,} faults of brokers, {total['kills']:,} kills, {cents} cents of difference, "
        f"{len(failed)} failures, {seconds:.0f} s"
    )
    print(", ".join(f"{number:,} {what}" for what, number in total.most_common()))


def _print_shortest(seed: int, arguments: argparse.Namespace) -> None:
    """The trace of as few actions as possible with which this seed still fails."""
    actions = schedule(seed, arguments.days)
    print(f"Leaving out what SEED={seed} does not need to fail ...", flush=True)
    kept = shrink(actions, lambda some: bool(_run(seed, arguments, some).error))
    outcome = _run(seed, arguments, kept, keep_trace=True)
    print(f"{len(kept)} of {len(actions)} actions:")
    print("\n".join(outcome.trace))
