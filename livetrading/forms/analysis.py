"""The filters of the analysis of closed trades."""

from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from backtests.forms.fields import DayField, offer_newest
from backtests.forms.filters import ListFilters
from livetrading.models import LiveStrategy
from tradedesk.accounts.models import User


class AnalysisFilters(ListFilters):
    strategy: forms.ModelChoiceField[LiveStrategy] = forms.ModelChoiceField(
        LiveStrategy.objects.none(),
        required=False,
        error_messages={"invalid_choice": "Select one of your live strategies."},
    )
    since = DayField("Closed from", required=False)
    until = DayField("Closed to", required=False)

    FILTERS = ("strategy", "symbol", "since", "until")

    def __init__(self, user: User, mode: str, data: QueryDict) -> None:
        super().__init__(data)
        # Deleted ones have trades, too.
        own = LiveStrategy.with_deleted.filter(user=user, account__mode=mode)
        offer_newest(self.fields["strategy"], own, data.get("strategy", ""))

    def clean_until(self) -> date | None:
        until, since = self._day("until"), self.cleaned_data.get("since")
        if until and since and until < since:
            raise forms.ValidationError(f"Enter {since} or a later date.")
        return until

    def values(self) -> dict[str, Any]:
        """The fields of a TradeFilter, from the valid filters."""
        found: dict[str, Any] = {name: self.cleaned_data.get(name) for name in ("since", "until")}
        strategy = self.cleaned_data.get("strategy")
        return found | {
            "strategy_id": strategy.pk if strategy else None,
            "symbol": self.cleaned_data.get("symbol") or "",
        }
