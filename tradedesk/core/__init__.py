"""The pure core: values and rules that the backtest, the paper desk and the live desk all share.

Nothing here imports Django, reads a clock or does I/O, but for the one look at its own source below.
"""

from hashlib import sha256
from pathlib import Path

from numba import config

# numba's disk cache notices a change in a compiled function's own file, not in those it calls: after an upgrade
# the backtest would go on with the old rules and the live desk with the new. So a folder per state of those that
# are called from other files: these here, and the kernel's.
_core = Path(__file__).parent
_sources = sorted([*_core.glob("*.py"), *_core.parents[1].glob("backtests/kernel/*.py")])
_state = sha256(b"".join(source.read_bytes() for source in _sources)).hexdigest()[:12]
_cache = Path(getattr(config, "CACHE_DIR", "") or _core / "__pycache__")
COMPILED = _cache / f"numba-{_state}"
COMPILED_ALL = COMPILED / ".all"  # there once backtests.compilation has seen to it
setattr(config, "CACHE_DIR", str(COMPILED))  # noqa: B010 - numba sets its config's names at run time
