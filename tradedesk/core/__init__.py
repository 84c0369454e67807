"""The pure core: values and rules that the backtest and live trading share.

Nothing here imports Django, reads a clock or does I/O; only this file reads source files, to name a cache folder.
"""

from hashlib import sha256
from pathlib import Path

from numba import config

# numba's disk cache notices a change in the file of a compiled function, not in the functions that it calls. So there is
# one cache folder for each state of the folders that hold compiled code.
COMPILED_SOURCES = ("tradedesk/core", "strategies/kinds", "backtests/engine")
_root = Path(__file__).parents[2]
_files = sorted(file for folder in COMPILED_SOURCES for file in (_root / folder).rglob("*.py"))
_state = sha256(b"".join(file.read_bytes() for file in _files)).hexdigest()[:12]
_cache = Path(getattr(config, "CACHE_DIR", "") or _root / "tradedesk" / "core" / "__pycache__")
COMPILED = _cache / f"numba-{_state}"
COMPILED_ALL = COMPILED / ".all"  # exists once backtests.research.compilation has compiled everything
setattr(config, "CACHE_DIR", str(COMPILED))  # noqa: B010 - numba sets its config's names at run time
