"""A strategy kind with its parameters, as strategies, backtests, optimizer rows and deployments store it."""

from django.db import models

from strategies.kinds import Kind, kinds, make_kind, named_parameters, parameter_texts


class ConfiguredKind(models.Model):
    kind = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True

    @property
    def kind_name(self) -> str:
        """The kind's display name; its key when the kind is no longer installed."""
        return kinds()[self.kind].name if self.kind in kinds() else self.kind

    @property
    def parameter_summary(self) -> str:
        return ", ".join(parameter_texts(kinds().get(self.kind), self.parameters))

    @property
    def named_parameters(self) -> dict[str, int | float | str]:
        """The parameters with the words of choices, as in the API."""
        return named_parameters(kinds().get(self.kind), self.parameters)

    def make_kind(self) -> Kind:
        """The kind with these parameters. Raises InvalidParameters."""
        return make_kind(self.kind, self.parameters)
