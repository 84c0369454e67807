"""TA-Lib on its own: importing this first keeps it from loading pandas and polars to wrap its functions for them.

They cost half a second and 55 MB in every process, and each call the time to look for them among its arguments.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

PARTNERS = ("pandas", "polars")


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Whoever imports one of `names` meanwhile is told that it is not installed."""
    loaded = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]  # None: Python's own sign for "not there"
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(loaded)


with _hidden(PARTNERS):
    import talib  # noqa: F401 - for its side effect: the next one to import it gets this one
