"""The pure core: values and rules that the backtest and live trading share.

Nothing here imports Django, reads a clock or does I/O. Only this file reads source files, to name a cache folder.
"""

import os
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

# numba's disk cache notices a change in the file of a compiled function, but not in the functions that it calls.
# So each state of the source folders has a cache folder of its own.
COMPILED_SOURCES = ("tradedesk/core", "strategies/kinds", "backtests/engine")


def source_state(root: Path) -> str:
    """A hash of all files in COMPILED_SOURCES below `root`, of the Python version and of numba's."""
    files = sorted(file for folder in COMPILED_SOURCES for file in (root / folder).rglob("*.py"))
    versions = f"{sys.version_info[:2]} {version('numba')}".encode()
    return sha256(b"".join([versions, *(file.read_bytes() for file in files)])).hexdigest()[:12]


_root = Path(__file__).parents[2]
_cache = Path(os.environ.get("NUMBA_CACHE_DIR") or _root / "tradedesk" / "core" / "__pycache__")
COMPILED = _cache / f"numba-{source_state(_root)}"
COMPILED_ALL = COMPILED / ".all"  # exists once backtests.research.compilation has compiled everything
