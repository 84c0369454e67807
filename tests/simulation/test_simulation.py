"""The deterministic simulation: seeds that all settle, that repeat bit for bit, and that notice a missing guard.

The simulation has a database and settings of its own, so every test is a process.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.simulation.mutations import MUTATIONS

pytestmark = pytest.mark.processes
SEEDS, CHUNKS, DAYS = 200, 4, 20


def simulate(*arguments: str, hash_seed: str = "0") -> list[dict[str, object]]:
    """The outcome of each seed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--json", *arguments],
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "DJANGO_SETTINGS_MODULE": "tests.simulation.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert outcomes, done.stderr
    return outcomes


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_seed_holds_all_invariants_and_settles(chunk: int) -> None:
    size = SEEDS // CHUNKS
    outcomes = simulate("--first", str(1 + chunk * size), "--seeds", str(size), "--days", str(DAYS))
    assert len(outcomes) == size
    assert [outcome for outcome in outcomes if outcome["error"]] == []


def test_seeds_with_orders_by_hand_hold_all_invariants_and_settle() -> None:
    outcomes = simulate("--by-hand", "--seeds", "15", "--days", "10")
    assert len(outcomes) == 15
    assert [outcome for outcome in outcomes if outcome["error"]] == []


def test_a_seed_repeats_bit_for_bit_in_any_process() -> None:
    once = simulate("--seeds", "4", "--days", "8", hash_seed="1")
    again = simulate("--seeds", "4", "--days", "8", hash_seed="2")
    assert once == again
    assert len({outcome["digest"] for outcome in once}) == 4


def test_every_missing_guard_is_found() -> None:
    outcomes = simulate("--guards", "--days", str(DAYS))
    assert {outcome["guard"] for outcome in outcomes} == MUTATIONS.keys()
    assert [outcome["guard"] for outcome in outcomes if not outcome["error"]] == []
