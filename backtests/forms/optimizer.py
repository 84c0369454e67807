"""The forms of a new optimizer run: a ranking of strategies, or a search for the parameters of one strategy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.models import ModelChoiceIteratorValue

from backtests.forms.assumptions import AssumptionsForm, OneStrategyForm
from backtests.forms.fields import MOST_OFFERED, CountField, NumberField, PercentField
from backtests.models import OptimizerRun
from backtests.research.optimizer.grid import Range
from backtests.research.optimizer.objectives import LABELS, WEIGHTS, Objective
from backtests.research.robustness.walk_forward import HOLDOUT
from backtests.services.optimizer.inputs import MAX_COMBINATIONS, MAX_HOLDOUT, MAX_MIN_TRADES, MAX_SEED
from strategies.kinds import Choice, Kind, Param, kinds
from strategies.models import Strategy
from tradedesk.accounts.models import User
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.models import TIMEFRAMES
from tradedesk.templatetags.figures import parameter, quantity

TRIALS = 500
WEIGHT, VARY, LOW, HIGH, STEP = "weight_", "vary_", "low_", "high_", "step_"
# The methods that test a given number of combinations.
SAMPLING = (OptimizerRun.Method.RANDOM, OptimizerRun.Method.TPE)
# The service's error names and the form's field names, by their prefixes.
FIELD_PREFIXES = {"grid.": LOW, "weights.": WEIGHT}


class ScoreForm(forms.Form):
    """The score that ranks the rows."""

    # Fields inside the collapsed part of the page.
    COLLAPSED: tuple[str, ...] = (
        "initial_capital",
        "compare_with",
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
        "Minimum trades",
        0,
        MAX_MIN_TRADES,
        initial=10,
        help_text="Rows with fewer trades are not ranked.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, weight in WEIGHTS.items():
            self.fields[WEIGHT + name] = NumberField(LABELS[Objective(name)], 0, 1, initial=weight)

    def unused(self) -> Iterator[str]:
        """Fields that the selected objective and method do not use; the page hides most of them with their
        errors."""
        if self.cleaned_data.get("objective") != Objective.WEIGHTED:
            yield from (WEIGHT + name for name in WEIGHTS)

    def clean(self) -> None:
        for name in self.unused():
            self.errors.pop(name, None)

    @property
    def weight_fields(self) -> list[forms.BoundField]:
        return [self[WEIGHT + name] for name in WEIGHTS]

    @property
    def has_collapsed_errors(self) -> bool:
        return any(name in self.errors for name in self.COLLAPSED)

    def score_values(self) -> dict[str, Any]:
        """The objective of a valid form, as arguments of the services."""
        typed = self.cleaned_data
        weighted = typed["objective"] == Objective.WEIGHTED
        return {
            "objective": typed["objective"],
            "weights": {name: typed[WEIGHT + name] for name in WEIGHTS} if weighted else {},
            "min_trades": typed["min_trades"],
        }

    def add_errors(self, errors: Mapping[str, str]) -> None:
        """Add the service's errors, each to its field."""
        for name, message in errors.items():
            for group, prefix in FIELD_PREFIXES.items():
                name = name.replace(group, prefix, 1)
            self.add_error(name if name in self.fields else None, message)


class RankForm(ScoreForm, AssumptionsForm):
    """Ranks strategies, and optionally all kinds with their default parameters, on each symbol."""

    strategies: forms.ModelMultipleChoiceField[Strategy] = forms.ModelMultipleChoiceField(
        Strategy.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": "Select from your strategies.",
            "invalid_pk_value": "Select from your strategies.",
        },
    )
    all_kinds = forms.BooleanField(label="All kinds with their default parameters", required=False)
    timeframe = forms.ChoiceField(choices=TIMEFRAMES, initial=Timeframe.DAY.value)

    def __init__(self, user: User, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        field = self.fields["strategies"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 - declared so above; for the type checker
        field.queryset = user.strategies.all()
        # The page shows the rules of each one beside its name.
        newest = user.strategies.order_by("-pk")[:MOST_OFFERED]
        field.choices = [(ModelChoiceIteratorValue(each.pk, each), each.name) for each in newest]
        self.fields["symbols"].required = True
        self.fields["symbols"].help_text = "Separated by commas. Strategies are ranked on each symbol."

    def values(self) -> dict[str, Any]:
        """The arguments of create_ranking from a valid form."""
        own = {name: self.cleaned_data[name] for name in ("strategies", "all_kinds", "timeframe")}
        return own | self.score_values() | self.assumption_values()


@dataclass(frozen=True, slots=True)
class GridRow:
    """One parameter of the strategy: the fields of its range, and its value if it does not vary."""

    param: Param[Any]
    value: float
    vary: forms.BoundField
    low: forms.BoundField
    high: forms.BoundField
    step: forms.BoundField

    @property
    def allowed(self) -> str:
        if isinstance(self.param, Choice):
            return " or ".join(self.param.words)
        return f"{quantity(self.param.low)} to {quantity(self.param.high)}"

    @property
    def current(self) -> str:
        return parameter(self.param.named(self.value))

    @property
    def errors(self) -> list[str]:
        return [str(error) for field in (self.vary, self.low, self.high, self.step) for error in field.errors]


class SearchForm(ScoreForm, OneStrategyForm):
    """Searches the parameters of one strategy. Each parameter has four fields: vary, low, high and step.

    The service checks the ranges, so that the page and the API give the same errors.
    """

    COLLAPSED = (*ScoreForm.COLLAPSED, "holdout", "seed")

    method = forms.ChoiceField(choices=OptimizerRun.Method.choices, initial=OptimizerRun.Method.GRID.value)
    scope = forms.ChoiceField(
        choices=OptimizerRun.Scope.choices,
        initial=OptimizerRun.Scope.EACH.value,
        label="Universe",
        required=False,
        help_text="A portfolio shares one account, as a strategy trades.",
    )
    trials = CountField("Trials", 1, MAX_COMBINATIONS, initial=TRIALS, help_text="Number of combinations to test.")
    holdout = PercentField(
        "Holdout (%)",
        0,
        100 * MAX_HOLDOUT,
        initial=HOLDOUT,
        help_text="Last part of the period. The search does not use it; the evidence tests the best rows on it.",
    )
    seed = CountField(
        "Seed", 0, MAX_SEED, placeholder="Random", help_text="The same seed gives the same combinations."
    )

    def __init__(self, user: User, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(user, data, **options)
        self.fields["symbols"].help_text = "Separated by commas. Empty: the strategy's symbols."
        self.selected_strategy = self._selected_strategy()
        self.kind: type[Kind] | None = kinds().get(self.selected_strategy.kind) if self.selected_strategy else None
        for name, param in self.params.items():
            # A choice changes the rule itself, so it varies only when the trader says so.
            self.fields[VARY + name] = forms.BooleanField(required=False, initial=not isinstance(param, Choice))
            for prefix, initial, end in zip((LOW, HIGH, STEP), param.search, ("from", "to", "step"), strict=True):
                self.fields[prefix + name] = _range_field(param, initial, end)

    @property
    def params(self) -> dict[str, Param[Any]]:
        return self.kind.params() if self.kind else {}

    @property
    def grid_rows(self) -> Iterator[GridRow]:
        stored = self.selected_strategy.parameters if self.selected_strategy else {}
        for name, param in self.params.items():
            value = stored.get(name, param.default)
            yield GridRow(param, value, *(self[prefix + name] for prefix in (VARY, LOW, HIGH, STEP)))

    @property
    def has_other_parameters(self) -> bool:
        """Whether the page showed the parameters of another strategy than the selected one."""
        shown = self.data.get("shown_strategy", "")
        return self.selected_strategy is not None and shown not in ("", str(self.selected_strategy.pk))

    def unused(self) -> Iterator[str]:
        yield from super().unused()
        if self.cleaned_data.get("method") not in SAMPLING:
            yield "trials"
        fixed = (name for name in self.params if not self.cleaned_data.get(VARY + name))
        yield from (prefix + name for name in fixed for prefix in (LOW, HIGH, STEP))

    def clean(self) -> None:
        super().clean()
        if self.kind and not self.params:
            self.add_error(None, f"{self.kind.name} has no parameters to search. Select another strategy.")
        elif self.kind and not any(self.cleaned_data.get(VARY + name) for name in self.params):
            self.add_error(None, "Select at least one parameter to search.")
        for name in self.params:
            for prefix in (LOW, HIGH, STEP):
                if self.cleaned_data.get(VARY + name) and self.cleaned_data.get(prefix + name, 0) is None:
                    self.add_error(prefix + name, "Enter a number.")

    def grid(self) -> dict[str, Range]:
        """(low, high, step) of each parameter that varies, from a valid form."""
        typed = self.cleaned_data
        return {
            name: (typed[LOW + name], typed[HIGH + name], typed[STEP + name])
            for name in self.params
            if typed[VARY + name]
        }

    def values(self) -> dict[str, Any]:
        """The arguments of create_search from a valid form."""
        own = {name: self.cleaned_data[name] for name in ("strategy", "method", "holdout", "seed")}
        own["scope"] = self.cleaned_data["scope"] or OptimizerRun.Scope.EACH.value
        own["trials"] = self.cleaned_data["trials"] if own["method"] in SAMPLING else None
        return own | {"grid": self.grid()} | self.score_values() | self.assumption_values()

    def _selected_strategy(self) -> Strategy | None:
        try:
            found: Strategy | None = self.fields["strategy"].to_python(self["strategy"].value())
        except forms.ValidationError:
            return None
        return found


def _range_field(param: Param[Any], initial: float, end: str) -> forms.Field:
    if isinstance(param, Choice):
        if end == "step":
            return forms.IntegerField(required=False, initial=initial, widget=forms.HiddenInput)
        return forms.TypedChoiceField(
            required=False,
            initial=initial,
            choices=list(enumerate(param.words)),
            coerce=int,
            empty_value=None,
            widget=forms.Select(attrs={"aria-label": f"{param.label}, {end}"}),
            error_messages={"invalid_choice": "Select one of the values."},
        )
    attributes = {
        "step": "any",
        "inputmode": "numeric" if param.is_integer else "decimal",
        "aria-label": f"{param.label}, {end}",
    }
    return forms.FloatField(
        required=False,
        initial=f"{initial:.15g}",
        widget=forms.NumberInput(attrs=attributes),
        error_messages={"invalid": "Enter a number."},
    )
