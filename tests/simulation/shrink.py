"""Make a failing list of actions short: delta debugging, which leaves out ever smaller parts."""

from collections.abc import Callable, Sequence

from tests.simulation.actions import Action


def shrink(actions: Sequence[Action], fails: Callable[[list[Action]], bool], tries: int = 400) -> list[Action]:
    """A part of these actions that still fails, and of which no single action can be left out; not necessarily the
    shortest, and after `tries` runs the best so far. fails: whether the simulation fails with these actions."""
    kept, size = list(actions), max(len(actions) // 2, 1)
    while tries > 0:
        begin, shorter = 0, False
        while begin < len(kept) and tries > 0:
            without = kept[:begin] + kept[begin + size :]
            tries -= 1
            if fails(without):
                kept, shorter = without, True
            else:
                begin += size
        if size == 1 and not shorter:
            break
        size = max(size // 2, 1)
    return kept
