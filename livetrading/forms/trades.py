"""The filters of the trades page."""

from typing import Any

from django import forms
from django.http import QueryDict

from backtests.forms.filters import ListFilters
from livetrading.models import LiveStrategy
from livetrading.models.trade import LONG, SHORT
from tradedesk.accounts.models import User

RESULTS = [("win", "Won"), ("loss", "Lost"), ("breakeven", "Break-even"), ("open", "Open")]
SIDES = [(LONG, "Long"), (SHORT, "Short")]
# A menu of more strategies is of no use; the address takes the id of any.
MOST_STRATEGIES = 200


class TradeFilters(ListFilters):
    strategy = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**53,
        widget=forms.Select,
        error_messages={"invalid": "Select one of your live strategies."},
    )
    side = forms.ChoiceField(required=False, choices=[("", "All"), *SIDES])
    result = forms.ChoiceField(required=False, choices=[("", "All"), *RESULTS])

    FILTERS = ("since", "until", "strategy", "symbol", "side", "result")

    def __init__(self, user: User, mode: str, data: QueryDict) -> None:
        super().__init__(data)
        self.fields["symbol"].widget.attrs |= {"placeholder": "All", "size": 6}
        # A deleted strategy keeps its trades.
        self._own = LiveStrategy.with_deleted.filter(user=user, account__mode=mode)
        newest = self._own.order_by("-pk").values_list("pk", "name", "deleted_at")[:MOST_STRATEGIES]
        names = [(pk, f"{name} (deleted)" if deleted else name) for pk, name, deleted in newest]
        select = self.fields["strategy"].widget
        assert isinstance(select, forms.Select)  # noqa: S101 - declared so above; for the type checker
        select.choices = [("", "All"), *sorted(names, key=lambda each: each[1].lower())]

    def clean_strategy(self) -> int | None:
        strategy: int | None = self.cleaned_data["strategy"]
        if strategy is not None and not self._own.filter(pk=strategy).exists():
            raise forms.ValidationError("Select one of your live strategies.")
        return strategy

    def values(self) -> dict[str, Any]:
        """The arguments of filter_trades, without invalid filters."""
        values = self.valid_filters()
        return values | {"strategy_id": values.pop("strategy", None)}
