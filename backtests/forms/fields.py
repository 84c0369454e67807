"""Fields that a backtest and an optimizer run are typed into."""

from typing import Any

from django import forms


class NumberField(forms.FloatField):
    """A number between two bounds, those of RiskRules and Costs.

    It may be empty when it starts empty; when it is not sent at all, it is the default.
    """

    # How many of the field's units one unit of the value has.
    scale = 1

    def __init__(self, label: str, low: float, high: float, **options: Any) -> None:
        self.low, self.high = low, high
        attributes = {"min": f"{low:.10g}", "max": f"{high:.10g}", "step": "any", "inputmode": "decimal"}
        if "placeholder" in options:
            attributes["placeholder"] = options.pop("placeholder")
        super().__init__(
            label=label, widget=forms.NumberInput(attrs=attributes), required="initial" in options, **options
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
        """A stored value in the field's units; what was typed stays as it was typed."""
        return f"{value * self.scale:.12g}" if isinstance(value, int | float) else value


class PercentField(NumberField):
    """Typed and bounded in percent; the value is a fraction."""

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
    """A day, with the browser's own calendar."""

    def __init__(self, label: str, **options: Any) -> None:
        picker = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(
            label=label, widget=picker, error_messages={"invalid": "Enter a date as 2012-03-05."}, **options
        )
