"""Form fields for numbers, percentages, dates and trading rules."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from tradedesk.core.declarations import Rule, Unit

# A menu of more is of no use; the address takes the id of any.
MOST_OFFERED = 200


class NumberField(forms.FloatField):
    """A number between two bounds.

    It may be empty if it has no initial value, or with required=False. A field missing from the request gets its
    initial value.
    """

    # The typed number divided by the value.
    scale = 1

    def __init__(self, label: str, low: float, high: float, **options: Any) -> None:
        self.low, self.high = low, high
        attributes = {"min": f"{low:.10g}", "max": f"{high:.10g}", "step": "any", "inputmode": "decimal"}
        if "placeholder" in options:
            attributes["placeholder"] = options.pop("placeholder")
        super().__init__(
            label=label,
            widget=forms.NumberInput(attrs=attributes),
            **{"required": "initial" in options, **options},
        )

    def clean(self, value: Any) -> Any:
        return self.initial if value is None else super().clean(value)

    def to_python(self, value: Any) -> Any:
        number = super().to_python(value)
        return None if number is None else number / self.scale

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None and not self.low <= value * self.scale <= self.high:
            raise forms.ValidationError(f"Enter a number between {self.low:,.10g} and {self.high:,.10g}.")

    def prepare_value(self, value: Any) -> Any:
        """A stored value in the field's unit; typed text is returned unchanged."""
        return f"{value * self.scale:.12g}" if isinstance(value, int | float) else value


class PercentField(NumberField):
    """A percentage; the value is a fraction, the bounds are in percent."""

    scale = 100


class CountField(NumberField):
    """A whole number."""

    def to_python(self, value: Any) -> Any:
        number = super().to_python(value)
        return int(number) if number is not None and number.is_integer() else number

    def validate(self, value: Any) -> None:
        super().validate(value)
        if isinstance(value, float):
            raise forms.ValidationError("Enter a whole number.")


class DayField(forms.DateField):
    """A date, with the browser's date picker."""

    def __init__(self, label: str, **options: Any) -> None:
        picker = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(
            label=label, widget=picker, error_messages={"invalid": "Enter a date such as 2012-03-05."}, **options
        )


# For each unit: the field of a rule, and the unit to show next to its label.
FIELDS: dict[Unit, tuple[type[NumberField], str]] = {
    Unit.FRACTION: (PercentField, " (%)"),
    Unit.DOLLARS: (NumberField, " ($)"),
    Unit.DOLLARS_PER_SHARE: (NumberField, " ($)"),
    Unit.COUNT: (CountField, ""),
    Unit.STRENGTH: (NumberField, " (0 to 1)"),
    Unit.BASIS_POINTS: (NumberField, " (basis points)"),
    Unit.TRUE_RANGES: (NumberField, " (multiple)"),
}


def rule_field(rule: Rule, empty: str | None = None) -> forms.Field:
    """The field of a trading rule. empty: the placeholder that says what an empty field means, if it may be
    empty."""
    if rule.unit is Unit.FLAG:
        return forms.BooleanField(label=rule.label, help_text=rule.help, required=False)
    field, unit = FIELDS[rule.unit]
    options: dict[str, Any] = {"help_text": rule.help}
    if empty or rule.optional:
        options |= {"placeholder": empty or "Off", "required": False}
    if not empty and rule.default is not None:
        options["initial"] = rule.default
    return field(rule.label + unit, rule.low * field.scale, rule.high * field.scale, **options)


def offer_newest(field: Any, own: "QuerySet[Any]", chosen: object, *, every: str | None = "All") -> None:
    """Let `field`, a ModelChoiceField, offer the newest of the user's `own` rows and the chosen one, by name; it
    accepts any of them. every: what stands for none of them, None when one must be chosen. At most two queries."""
    field.queryset = own
    newest = list(own.order_by("-pk").values_list("pk", "name")[:MOST_OFFERED])
    text = str(chosen)
    if text.isdecimal() and len(text) < 19 and all(str(pk) != text for pk, _ in newest):
        newest += own.filter(pk=text).values_list("pk", "name")
    newest.sort(key=lambda each: (each[1].lower(), each[0]))
    field.choices = [*([] if every is None else [("", every)]), *newest]
