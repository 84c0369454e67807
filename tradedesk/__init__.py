"""The project package: the lowest layers (core, marketdata, accounts), and URLs, API and processes."""

import os

# pyarrow's own allocator can crash a process whose threads start and end (issue 50471 of apache/arrow on GitHub).
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
