"""The two forms of a new optimizer run: strategies to rank, or a strategy whose parameters are searched."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from backtests.forms.assumptions import AssumptionsForm, OneStrategyForm
from backtests.forms.fields import CountField, NumberField, PercentField
from backtests.models import OptimizerRun
from backtests.research.optimizer.grid import Range
from backtests.research.optimizer.objectives import LABELS, WEIGHTS, Objective
from backtests.services.optimizer.create import HOLDOUT
from backtests.services.optimizer.inputs import MAX_COMBINATIONS, MAX_HOLDOUT, MAX_MIN_TRADES
from strategies.kinds import Kind, Param, kinds
from strategies.models import Strategy
from tradedesk.accounts.models import User
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.models import TIMEFRAMES

TRIALS = 500
MAX_SEED = 2**31 - 1
WEIGHT, VARY, LOW, HIGH, STEP = "weight_", "vary_", "low_", "high_", "step_"
# The methods that try so many combinations and not all.
DRAWN = (OptimizerRun.Method.RANDOM, OptimizerRun.Method.TPE)
# Where the service's errors stand in the form.
FIELD_OF = {"grid.": LOW, "weights.": WEIGHT}


class ScoreForm(forms.Form):
    """What makes one row better than another."""

    # Fields that are folded away on the page.
    FOLDED: tuple[str, ...] = (
        "initial_capital",
        *AssumptionsForm.SIZE,
        *AssumptionsForm.ENTRIES_AND_EXITS,
        *AssumptionsForm.COSTS,
    )

    objective = forms.ChoiceField(
        choices=[(objective.value, LABELS[objective]) for objective in Objective],
        initial=Objective.SHARPE.value,
        label="Rank by",
    )
    min_trades = CountField(
        "Trades, at least",
        0,
        MAX_MIN_TRADES,
        initial=10,
        help_text="Rows with fewer stand below all others.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, weight in WEIGHTS.items():
            self.fields[WEIGHT + name] = NumberField(LABELS[Objective(name)], 0, 1, initial=weight)

    def unused(self) -> Iterator[str]:
        """Fields that what was chosen has no use for: the page hides most of them, with their errors."""
        if self.cleaned_data.get("objective") != Objective.WEIGHTED:
            yield from (WEIGHT + name for name in WEIGHTS)

    def clean(self) -> None:
        for name in self.unused():
            self.errors.pop(name, None)

    @property
    def weight_fields(self) -> list[forms.BoundField]:
        return [self[WEIGHT + name] for name in WEIGHTS]

    @property
    def has_folded_errors(self) -> bool:
        return any(name in self.errors for name in self.FOLDED)

    def scored(self) -> dict[str, Any]:
        """The objective of a valid form, as the services take it."""
        typed = self.cleaned_data
        weighted = typed["objective"] == Objective.WEIGHTED
        return {
            "objective": typed["objective"],
            "weights": {name: typed[WEIGHT + name] for name in WEIGHTS} if weighted else {},
            "min_trades": typed["min_trades"],
        }

    def refuse(self, errors: Mapping[str, str]) -> None:
        """What the service refused, each message at its field."""
        for name, message in errors.items():
            for group, prefix in FIELD_OF.items():
                name = name.replace(group, prefix, 1)
            self.add_error(name if name in self.fields else None, message)


class RankForm(ScoreForm, AssumptionsForm):
    """Strategies, and all kinds with their default parameters where that is ticked, on each symbol."""

    strategies: forms.ModelMultipleChoiceField[Strategy] = forms.ModelMultipleChoiceField(
        Strategy.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": "Choose from your strategies.",
            "invalid_pk_value": "Choose from your strategies.",
        },
    )
    all_kinds = forms.BooleanField(label="All kinds with their default parameters", required=False)
    timeframe = forms.ChoiceField(choices=TIMEFRAMES, initial=Timeframe.DAY.value)

    def __init__(self, user: User, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        field = self.fields["strategies"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 - declared so above; for the type checker
        field.queryset = user.strategies.all()
        self.fields["symbols"].required = True
        self.fields["symbols"].help_text = "Separated by commas. Strategies are ranked on each of them."

    def values(self) -> dict[str, Any]:
        """What create_ranking takes, of a valid form."""
        own = {name: self.cleaned_data[name] for name in ("strategies", "all_kinds", "timeframe")}
        return own | self.scored() | self.assumed()


@dataclass(frozen=True, slots=True)
class GridRow:
    """One parameter of the searched strategy: its range in the form, and its value when it does not vary."""

    param: Param[Any]
    value: float
    vary: forms.BoundField
    low: forms.BoundField
    high: forms.BoundField
    step: forms.BoundField

    @property
    def errors(self) -> list[str]:
        return [str(error) for field in (self.vary, self.low, self.high, self.step) for error in field.errors]


class SearchForm(ScoreForm, OneStrategyForm):
    """Each parameter of the strategy's kind has four fields: whether it varies, from where, to where, which step.

    The kind itself refuses a range, so that the page and the API say the same.
    """

    FOLDED = (*ScoreForm.FOLDED, "holdout", "seed")

    method = forms.ChoiceField(choices=OptimizerRun.Method.choices, initial=OptimizerRun.Method.GRID.value)
    trials = CountField("Trials", 1, MAX_COMBINATIONS, initial=TRIALS, help_text="Combinations that are tried.")
    holdout = PercentField(
        "Held back (%)",
        0,
        100 * MAX_HOLDOUT,
        initial=HOLDOUT,
        help_text="The end of the period, which the search does not see: the evidence tries the winner on it.",
    )
    seed = CountField(
        "Seed", 0, MAX_SEED, placeholder="Drawn", help_text="The same seed draws the same combinations."
    )

    def __init__(self, user: User, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(user, data, **options)
        self.fields["symbols"].help_text = "Separated by commas, each for itself. Empty: the strategy's own."
        self.chosen = self._chosen()
        self.kind: type[Kind] | None = kinds().get(self.chosen.kind) if self.chosen else None
        for name, param in self.params.items():
            self.fields[VARY + name] = forms.BooleanField(required=False, initial=True)
            for prefix, initial, word in zip((LOW, HIGH, STEP), param.search, ("from", "to", "step"), strict=True):
                self.fields[prefix + name] = _number(param, initial, word)

    @property
    def params(self) -> dict[str, Param[Any]]:
        return self.kind.params() if self.kind else {}

    @property
    def grid_rows(self) -> Iterator[GridRow]:
        for name, param in self.params.items():
            value = self.chosen.parameters.get(name, param.default) if self.chosen else param.default
            yield GridRow(param, value, *(self[prefix + name] for prefix in (VARY, LOW, HIGH, STEP)))

    @property
    def asks_for_other_strategy(self) -> bool:
        """Sent with a strategy chosen whose parameters were not on the page; nothing can be searched from that."""
        return self.chosen is not None and self.data.get("shown_strategy", "") not in ("", str(self.chosen.pk))

    def unused(self) -> Iterator[str]:
        yield from super().unused()
        if self.cleaned_data.get("method") not in DRAWN:
            yield "trials"
        still = (name for name in self.params if not self.cleaned_data.get(VARY + name))
        yield from (prefix + name for name in still for prefix in (LOW, HIGH, STEP))

    def clean(self) -> None:
        super().clean()
        if self.kind and not self.params:
            self.add_error(None, f"{self.kind.name} has no parameters to search. Choose another strategy.")
        elif self.kind and not any(self.cleaned_data.get(VARY + name) for name in self.params):
            self.add_error(None, "Tick at least one parameter to search.")
        for name in self.params:
            for prefix in (LOW, HIGH, STEP):
                if self.cleaned_data.get(VARY + name) and self.cleaned_data.get(prefix + name, 0) is None:
                    self.add_error(prefix + name, "Enter a number.")

    def grid(self) -> dict[str, Range]:
        """Of a valid form: (low, high, step) of each parameter that varies."""
        typed = self.cleaned_data
        return {
            name: (typed[LOW + name], typed[HIGH + name], typed[STEP + name])
            for name in self.params
            if typed[VARY + name]
        }

    def values(self) -> dict[str, Any]:
        """What create_search takes, of a valid form."""
        own = {name: self.cleaned_data[name] for name in ("strategy", "method", "holdout", "seed")}
        own["trials"] = self.cleaned_data["trials"] if own["method"] in DRAWN else None
        return own | {"grid": self.grid()} | self.scored() | self.assumed()

    def _chosen(self) -> Strategy | None:
        try:
            found: Strategy | None = self.fields["strategy"].to_python(self["strategy"].value())
        except forms.ValidationError:
            return None
        return found


def _number(param: Param[Any], initial: float, word: str) -> forms.FloatField:
    attributes = {
        "step": "any",
        "inputmode": "numeric" if param.is_integer else "decimal",
        "aria-label": f"{param.label}, {word}",
    }
    return forms.FloatField(
        required=False,
        initial=f"{initial:.15g}",
        widget=forms.NumberInput(attrs=attributes),
        error_messages={"invalid": "Enter a number."},
    )
