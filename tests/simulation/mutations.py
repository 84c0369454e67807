"""Guards of the pipeline that can be cut out of its source, to show that the simulation notices their absence."""

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from livetrading.pipeline import execute, fills, reconcile
from tests.simulation.patches import Patches


@dataclass(frozen=True, slots=True)
class Cut:
    """In the source of this function, `guard` is replaced by `without`."""

    function: Callable[..., Any]
    guard: str
    without: str


# A seed that finds each missing guard; any among the first 50 will do.
FOUND_BY = {
    "no token check": 10,
    "not asked before it is sent again": 31,
    "no gate before sending": 33,
    "the cursor moves before the booking": 15,
    "fills are not unique": 1,
}
MUTATIONS: dict[str, tuple[Cut, ...]] = {
    "no token check": (Cut(execute._send, "raise _LostClaim", "pass"),),
    "not asked before it is sent again": (Cut(execute._send, "order.attempts > 1", "False"),),
    "no gate before sending": (Cut(execute._send, "if not verdict.open:", "if False:"),),
    "the cursor moves before the booking": (
        Cut(
            reconcile.reconcile,
            "    changed = False\n",
            "    changed = False\n"
            "    if fills:\n"
            "        BrokerAccount.objects.filter(pk=account.pk).update(fill_cursor=fills[-1].activity_id)\n",
        ),
    ),
    "fills are not unique": (
        Cut(reconcile._own_fills, "fill.activity_id not in booked", "True"),
        Cut(fills._book, "activity_id=fill.activity_id,", "activity_id=f'{fill.activity_id} {wall_now}',"),
    ),
}


@contextmanager
def without(name: str) -> Iterator[None]:
    """Run the pipeline without this guard. Raises ValueError when its text is no longer in the source."""
    patches = Patches()
    try:
        for cut in MUTATIONS[name]:
            patches.everywhere(cut.function, _made(cut))
        yield
    finally:
        patches.undo()


def _made(cut: Cut) -> Any:
    """The function without its guard."""
    source = textwrap.dedent(inspect.getsource(cut.function))
    if cut.guard not in source:
        raise ValueError(f"{cut.function.__qualname__} has no “{cut.guard}” any more: correct MUTATIONS.")
    made: dict[str, Any] = {}
    scope = vars(sys.modules[cut.function.__module__])
    exec(compile(source.replace(cut.guard, cut.without), f"<{cut.function.__name__}>", "exec"), scope, made)
    return made[cut.function.__name__]
