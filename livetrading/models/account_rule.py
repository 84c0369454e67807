"""Account rules: the limits of one account that every entry has to pass, and the sectors of a user's symbols."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from livetrading.models.account import BrokerAccount
from livetrading.models.account_rule_kinds import KINDS, RuleKind, kind_choices

# In a user's list of sectors, and in a rule's list of symbols.
MOST_SECTORS, MOST_SYMBOLS = 500, 200


class AccountRule(models.Model):
    """One rule of an account; each kind once. It is asked at the decision of an entry and right before sending."""

    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=24, choices=kind_choices)
    # What the kind holds (RuleKind.values); fractions are fractions.
    limit = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    symbols = models.JSONField(default=list, blank=True)
    # Times in New York.
    window_start = models.TimeField(null=True, blank=True)
    window_end = models.TimeField(null=True, blank=True)
    # A kill switch sells everything as well; otherwise positions are kept with their protection.
    flatten = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    # The order in which rules are asked and shown: the first one that blocks gives the reason.
    position = models.PositiveSmallIntegerField(default=0)

    blocked_count = models.PositiveIntegerField(default=0)
    last_blocked_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")
    last_blocked_reason = models.CharField(max_length=300, blank=True)
    # A loss that was reached. It holds until the next day, or for a kill switch until the halt is lifted.
    tripped_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")
    tripped_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["position", "id"]
        indexes = [models.Index(fields=["account", "position"])]
        constraints = [
            models.UniqueConstraint(fields=["account", "kind"], name="account_rule_each_kind_once"),
            models.CheckConstraint(condition=Q(limit=None) | Q(limit__gt=0), name="account_rule_limit_positive"),
        ]

    def __str__(self) -> str:
        return self.declared.label

    @property
    def declared(self) -> RuleKind:
        return KINDS[self.kind]


class SymbolSector(models.Model):
    """The sector of a symbol, by the user's own list."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="symbol_sectors")
    symbol = models.CharField(max_length=15)
    sector = models.CharField(max_length=40)

    class Meta:
        ordering = ["symbol"]
        constraints = [models.UniqueConstraint(fields=["user", "symbol"], name="symbol_sector_once")]

    def __str__(self) -> str:
        return f"{self.symbol}: {self.sector}"
