"""What a strategy, a backtest of it, a row of the optimizer and a deployment share: a kind with its parameters."""

from django.db import models

from strategies.kinds import Kind, kinds, make_kind, summary


class Configured(models.Model):
    kind = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True

    @property
    def kind_name(self) -> str:
        """The kind as the field calls it; a kind that is no longer installed keeps its key."""
        return kinds()[self.kind].name if self.kind in kinds() else self.kind

    @property
    def parameter_summary(self) -> str:
        return ", ".join(summary(self.parameters))

    def make_kind(self) -> Kind:
        """The kind, made with these parameters. Raises InvalidParameters."""
        return make_kind(self.kind, self.parameters)
