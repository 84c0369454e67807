"""What a decision was made from, as the decision log keeps it: the bars and the code as hashes, and of a signal
all that `decide` was given, so that the same code can decide again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from backtests.provenance import HASH_LENGTH, engine_code
from livetrading.brokers.protocol import Asset
from livetrading.models import PaperTrade
from livetrading.models.trade import Trade
from livetrading.pipeline.book import StrategyBook
from livetrading.pipeline.decide import Decision, EquityState
from livetrading.pipeline.evaluate import SignalEvent
from livetrading.pipeline.gate import Held, Verdict
from strategies.kinds import code_hash, kinds
from tradedesk.core.code_digest import code_digest
from tradedesk.core.rules import RiskRules
from tradedesk.core.signals import Side

# The files that turn bars into a decision, beside the kind, the engine and the core.
_FILES = ("evaluate", "decide", "gate")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The arguments of `decide`, except the events and the account's allowance, which is of its time."""

    book: StrategyBook
    rules: RiskRules
    equity_state: EquityState
    entries_gate: Verdict
    bars_since_loss: Mapping[str, int] = field(default_factory=dict)
    size_fraction: float = 1.0
    assets: Mapping[str, Asset] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        lots = {
            symbol: [str(lot.open_quantity), lot.entry_time.isoformat()] for symbol, lot in self.book.lots.items()
        }
        return {
            "lots": lots,
            "exiting": sorted(self.book.exiting),
            "entering": sorted(self.book.entering),
            "rules": self.rules.as_dict(),
            "equity": asdict(self.equity_state),
            "gate": [self.entries_gate.held, self.entries_gate.reason],
            "since_loss": dict(self.bars_since_loss),
            "size_fraction": self.size_fraction,
            "assets": {symbol: asdict(asset) for symbol, asset in self.assets.items()},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError and ValueError for what another version stored."""
        held, reason = stored["gate"]
        return cls(
            StrategyBook(
                {symbol: _lot(symbol, *values) for symbol, values in stored["lots"].items()},
                exiting=set(stored["exiting"]),
                entering=set(stored["entering"]),
            ),
            RiskRules.from_dict(stored["rules"]),
            EquityState(**stored["equity"]),
            Verdict(held and Held(held), reason),
            stored["since_loss"],
            stored["size_fraction"],
            {symbol: Asset(**values) for symbol, values in stored["assets"].items()},
        )


def basis_of(
    kind: str, event: SignalEvent, decision: Decision | None, inputs: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The JSON of BarDecision.basis: {"bars", "code"}, of a signal "inputs", and of one that was decided
    "quantity" and "sized"."""
    found: dict[str, Any] = {"bars": event.seen, "code": decision_code(kind)}
    if event.side is not Side.HOLD and inputs is not None:
        found["inputs"] = inputs
    if decision is not None:
        found |= {"quantity": str(decision.quantity), "sized": decision.sized}
    return found


@cache
def decision_code(kind: str) -> str:
    """A hash of the code that decides: of the kind, the engine, the core and this pipeline."""
    code = sha256(f"{code_hash(kind) if kind in kinds() else ''} {engine_code()}".encode())
    for name in _FILES:
        code.update(code_digest(Path(__file__).with_name(f"{name}.py").read_bytes()))
    return code.hexdigest()[:HASH_LENGTH]


def _lot(symbol: str, quantity: str, entry_time: str) -> Trade:
    """As much of a lot as `decide` looks at; not stored."""
    return PaperTrade(
        symbol=symbol, quantity=Decimal(quantity), entry_time=datetime.fromisoformat(entry_time), exit_time=None
    )
