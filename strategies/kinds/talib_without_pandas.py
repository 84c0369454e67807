"""Imports TA-Lib without pandas and polars, which it would load to wrap its functions; must be imported first.

They cost 0.5 s and 55 MB in every process, and each TA-Lib call would check its arguments for their types.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

HIDDEN = ("pandas", "polars")


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Within the body, importing one of `names` fails as if it were not installed."""
    loaded = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]  # None makes an import fail
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(loaded)


with _hidden(HIDDEN):
    import talib  # noqa: F401 - imported for its side effect: later imports get this module
