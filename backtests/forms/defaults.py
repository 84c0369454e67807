"""The form of a trader's own defaults."""

from typing import Any

from backtests.forms.assumptions import RulesForm, benchmark_field


class DefaultsForm(RulesForm):
    compare_with = benchmark_field()

    def values(self) -> dict[str, Any]:
        """The arguments of save_defaults from a valid form."""
        return {name: self.cleaned_data[name] for name in DefaultsForm.base_fields}
