"""The rules of an account with their present readings, from stored figures: no broker is asked."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from livetrading.models import AccountRule, BrokerAccount
from livetrading.models.account_rule_kinds import KINDS, RuleKind, Values
from livetrading.pipeline.account_figures import holds, read_figures, values_of
from livetrading.pipeline.account_rules import AccountFigures, in_unit, reading_of
from livetrading.pipeline.in_flight import read_in_flight

# From this part of its limit on, a reading is near.
NEAR = 0.8


class RuleState(StrEnum):
    """In words, with the shape that goes with it."""

    shape: str
    tone: str

    OFF = "Off", "○", ""
    TRIPPED = "Tripped", "■", "tag-error"
    REACHED = "At the limit", "▲", "tag-error"
    NEAR = "Near the limit", "△", "tag-warning"
    PASSES = "Passes", "●", "tag-info"

    def __new__(cls, label: str, shape: str, tone: str) -> "RuleState":
        state = str.__new__(cls, label)
        state._value_ = label
        state.shape, state.tone = shape, tone
        return state


@dataclass(frozen=True, slots=True)
class RuleRow:
    """reading: in the unit of the limit, None where there is none without an entry. holds: whether a loss limit
    that was reached still holds entries back."""

    rule: AccountRule
    reading: float | None
    holds: bool

    @property
    def kind(self) -> RuleKind:
        return self.rule.declared

    @property
    def limit_text(self) -> str:
        rule = self.rule
        if self.kind.values is Values.SYMBOLS:
            return ", ".join(rule.symbols)
        if self.kind.values is Values.WINDOW:
            start, end = rule.window_start, rule.window_end
            return f"{start:%H:%M} to {end:%H:%M} ET" if start and end else ""
        return in_unit(self.kind, float(rule.limit or 0))

    @property
    def reading_text(self) -> str:
        return "" if self.reading is None else in_unit(self.kind, self.reading)

    @property
    def part(self) -> float | None:
        """Percent of the limit, 100 at most; None without a reading."""
        if self.reading is None or not self.rule.limit:
            return None
        return min(100.0, 100.0 * self.reading / float(self.rule.limit))

    @property
    def state(self) -> RuleState:
        if not self.rule.enabled:
            return RuleState.OFF
        if self.holds:
            return RuleState.TRIPPED
        part = self.part
        if part is None or part < 100 * NEAR:
            return RuleState.PASSES
        return RuleState.REACHED if part >= 100 else RuleState.NEAR


@dataclass(frozen=True, slots=True)
class RiskRules:
    """rows: in the order in which they are asked. without_sector: symbols that are held or ordered and that no
    sector is known of. left: the kinds that the account has no rule of."""

    rows: list[RuleRow]
    without_sector: list[str]
    left: list[RuleKind]


def read_risk_rules(account: BrokerAccount, now: datetime) -> RiskRules:
    """The number of queries depends only on that of the timeframes held."""
    rules = list(account.rules.filter(kind__in=KINDS))
    figures = read_figures(account, read_in_flight(account), now)
    held = {symbol for symbol, lots in figures.lots.items() if lots > 0}
    used = {rule.kind for rule in rules}
    return RiskRules(
        rows=[row_of(rule, figures, now) for rule in rules],
        without_sector=sorted(held - figures.sectors.keys()),
        left=[kind for key, kind in KINDS.items() if key not in used],
    )


def row_of(rule: AccountRule, figures: AccountFigures, now: datetime) -> RuleRow:
    return RuleRow(rule, reading_of(values_of(rule, now), figures), rule.enabled and holds(rule, now))
