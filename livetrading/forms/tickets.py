"""The order ticket."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from backtests.forms.fields import PercentField
from livetrading.models.order import OrderType, TimeInForce
from livetrading.models.signal import OrderSide
from livetrading.pipeline.tickets import TIMES, TYPES, Problem, Ticket
from tradedesk.accounts.models import Mode
from tradedesk.core.rules import DEPLOYED_RULES
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

SHARES, DOLLARS = "shares", "dollars"
# Whose shares are sold: those that were bought by hand, or the id of a live strategy.
BY_HAND = "manual"


def _exit_field(name: str) -> PercentField:
    rule = DEPLOYED_RULES[name]
    return PercentField(f"{rule.label} (%)", rule.low * 100, rule.high * 100, required=False)


class TicketForm(forms.Form):
    """order_key: unique for each press, so that a double click places one order. confirmed: asked for in live
    mode. A field that does not apply, such as the price of a market order, is left out."""

    order_key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    side = forms.ChoiceField(
        choices=OrderSide, widget=forms.RadioSelect(attrs={"class": "sr-only"}), initial=OrderSide.BUY
    )
    symbol = forms.CharField(
        max_length=15,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters", "size": 8}
        ),
    )
    type = forms.ChoiceField(label="Order type", choices=[(each.value, each.label) for each in TYPES])
    unit = forms.ChoiceField(label="In", choices=[(SHARES, "Shares"), (DOLLARS, "Dollars")])
    quantity = forms.DecimalField(
        widget=forms.NumberInput(attrs={"min": 0, "step": "any", "inputmode": "decimal"}), max_digits=20
    )
    price = forms.DecimalField(
        label="Limit or stop price",
        required=False,
        max_digits=20,
        widget=forms.NumberInput(attrs={"min": 0, "step": "any", "inputmode": "decimal"}),
    )
    time_in_force = forms.ChoiceField(
        label="Good for",
        choices=[(each.value, each.label) for each in TIMES],
        required=False,
        help_text="Day: until the close of this session, or of the next one where the market is closed.",
    )
    stop_loss_pct = _exit_field("stop_loss_pct")
    take_profit_pct = _exit_field("take_profit_pct")
    fractional = forms.BooleanField(label="Parts of a share", required=False)
    source = forms.RegexField(rf"^({BY_HAND}|[0-9]{{1,18}})$", required=False, empty_value=BY_HAND)
    confirmed = forms.BooleanField(label="Yes, this order uses real money.", required=False)

    def __init__(self, *args: Any, mode: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mode = mode

    @classmethod
    def prefilled(cls, query: Mapping[str, str], mode: str) -> "TicketForm":
        """query: of the link to the ticket."""
        known = ("side", "symbol", "type", "unit", "quantity", "price", "source")
        initial = {name: query[name][:40] for name in known if name in query}
        try:
            initial["symbol"] = clean_symbol(initial.get("symbol", ""))
        except InvalidSymbol:
            initial.pop("symbol", None)
        initial["side"] = query["side"] if query.get("side") in OrderSide else OrderSide.BUY.value
        return cls(initial=initial | {"order_key": uuid.uuid4().hex}, mode=mode)

    def clean_symbol(self) -> str:
        try:
            return clean_symbol(self.cleaned_data["symbol"])
        except InvalidSymbol as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        waits = values.get("type") in (OrderType.LIMIT, OrderType.STOP)
        if waits and values.get("price") is None and "price" not in self.errors:
            self.add_error("price", f"A {values['type']} order needs its price.")
        return values

    def is_confirmed(self) -> bool:
        """Whether a person has said that it may use real money, or it does not. Adds the error."""
        if self.mode == Mode.LIVE and not self.cleaned_data.get("confirmed"):
            self.add_error("confirmed", "Tick the box: this order uses real money.")
            return False
        return True

    def ticket(self) -> Ticket:
        """Of a valid form."""
        values = self.cleaned_data
        buys, type_ = values["side"] == OrderSide.BUY, values["type"]
        quantity: Decimal = values["quantity"]
        source = values["source"]
        return Ticket(
            symbol=values["symbol"],
            side=values["side"],
            type=type_,
            shares=quantity if values["unit"] == SHARES else None,
            dollars=quantity if values["unit"] == DOLLARS else None,
            limit_price=values["price"] if type_ == OrderType.LIMIT else None,
            stop_price=values["price"] if type_ == OrderType.STOP else None,
            time_in_force=(values["time_in_force"] if type_ != OrderType.MARKET else "") or TimeInForce.DAY,
            stop_loss_pct=values["stop_loss_pct"] if buys else None,
            take_profit_pct=values["take_profit_pct"] if buys else None,
            fractional=values["fractional"],
            live_id=None if buys or source == BY_HAND else int(source),
        )

    def add_problems(self, problems: list[Problem]) -> None:
        names = {"limit_price": "price", "stop_price": "price"}
        for problem in problems:
            field = names.get(problem.field, problem.field)
            self.add_error(field if field in self.fields else None, str(problem))

    def renew_key(self) -> None:
        """The next press is another order."""
        self.data = {**self.data.dict(), "order_key": uuid.uuid4().hex}  # type: ignore[attr-defined]  # a QueryDict, as it is bound
