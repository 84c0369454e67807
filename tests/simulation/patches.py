"""Replace parts of the desk for a while."""

import sys
from typing import Any


class Patches:
    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any]] = []

    def put(self, owner: Any, name: str, value: Any) -> None:
        self._undo.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def everywhere(self, old: Any, new: Any) -> None:
        """Replace a function in every module of the desk that has imported it."""
        for name, module in sorted(sys.modules.items()):
            if name.split(".")[0] in ("tradedesk", "livetrading", "backtests", "strategies"):
                for attribute, value in list(vars(module).items()):
                    if value is old:
                        self.put(module, attribute, new)

    def undo(self) -> None:
        for owner, name, value in reversed(self._undo):
            setattr(owner, name, value)
