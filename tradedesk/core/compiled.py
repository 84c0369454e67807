"""Compiled functions: `@njit(...)` as numba's, and numba is loaded by the first call of one.

Importing numba takes 0.3 s and 66 MB, and many processes call no compiled function: so a module that has some can
be imported without it. Functions that are on disk run without what the compiler knows, which takes another 0.5 s
and 30 MB (`_load`, `_constants`).
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from threading import RLock
from typing import Any, Generic, ParamSpec, TypeVar

from tradedesk.core import COMPILED
from tradedesk.core.loaded import keep_loaded

P = ParamSpec("P")
R = TypeVar("R")
_one_at_a_time = RLock()


class Compiled(Generic[P, R]):
    """A function of Python that numba compiles when it is called first, here or in another compiled function."""

    def __init__(self, function: Callable[P, R], options: dict[str, Any]) -> None:
        self.py_func = function
        self.options = options
        self.__doc__, self.__name__, self.__module__ = function.__doc__, function.__name__, function.__module__
        self._run: Callable[P, R] = self._first

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._run(*args, **kwargs)

    def dispatcher(self) -> Callable[P, R]:
        """numba's own object for it."""
        with _one_at_a_time:
            if self._run == self._first:
                self._run = _numba().njit(**self.options)(self.py_func)
            return self._run

    def _first(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.dispatcher()(*args, **kwargs)


def njit(**options: Any) -> Callable[[Callable[P, R]], Compiled[P, R]]:
    return lambda function: Compiled(function, options)


@cache
def _numba() -> Any:
    """numba with the cache folder of this state of the sources."""
    import numba
    from numba.core import caching, environment
    from numba.core.typing import typeof

    on_disk: Any = caching.FunctionCache  # numba has no hooks for what is replaced below
    typeof_impl: Any = typeof.typeof_impl
    setattr(numba.config, "CACHE_DIR", str(COMPILED))  # noqa: B010 - numba defines the names at run time
    typeof_impl.register(Compiled)(lambda function, context: typeof_impl(function.dispatcher(), context))
    save = on_disk.save_overload

    def save_if_possible(functions: Any, signature: Any, compiled: Any) -> None:
        """A function that cannot be stored, because the disk is full, is compiled again by the next process."""
        with suppress(OSError):
            save(functions, signature, compiled)

    on_disk.save_overload = save_if_possible
    on_disk.load_overload = _load
    environment._rebuild_env = _constants(environment._rebuild_env)
    keep_loaded()  # numba has more objects than all else
    return numba


def _load(functions: Any, signature: Any, target: Any) -> Any:
    """A function from disk, as numba's FunctionCache.load_overload but without target.refresh(), which imports all
    that the compiler knows: machine code needs the run time alone, and the compiler calls refresh() itself."""
    from numba.core.runtime.nrt import rtsys

    rtsys.initialize(target)
    with functions._guard_against_spurious_io_errors():
        return functions._load_overload(signature, target)


def _constants(rebuild: Callable[..., Any]) -> Callable[..., Any]:
    """numba's _rebuild_env, which restores the constants of a function from disk, without importing the module of
    numba's own functions: only code in object mode reads the module, and the desk has none."""
    from numba.core.environment import Environment

    def rebuilt(module: str, constants: list[object], name: str) -> Any:
        if not module.startswith("numba.") or module in sys.modules or name in Environment._memo:
            return rebuild(module, constants, name)
        environment = Environment({"__name__": module})
        environment.consts[:] = constants
        environment.env_name = name
        Environment._memo[name] = environment
        return environment

    return rebuilt
