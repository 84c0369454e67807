"""The form of a trader's own defaults."""

from typing import Any

from backtests.forms.assumptions import RulesForm


class DefaultsForm(RulesForm):
    def values(self) -> dict[str, Any]:
        """The arguments of save_defaults from a valid form."""
        return {name: self.cleaned_data[name] for name in RulesForm.base_fields}
