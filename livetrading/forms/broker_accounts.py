"""The forms of broker accounts."""

from collections.abc import Mapping
from typing import Any

from django import forms

from livetrading.credentials import Credentials
from livetrading.models import BrokerAccount
from livetrading.services.broker_accounts import LONGEST_KEY, LONGEST_NAME, LONGEST_SECRET
from tradedesk.accounts.models import Mode

# What can be added, by its part of the address: broker, mode and the name that is proposed.
KINDS = {
    "alpaca-paper": (BrokerAccount.Broker.ALPACA, Mode.PAPER, "Alpaca paper"),
    "alpaca-live": (BrokerAccount.Broker.ALPACA, Mode.LIVE, "Alpaca live"),
    "simulation": (BrokerAccount.Broker.PAPER, Mode.PAPER, "Simulation"),
}
_TYPED = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}


class KeyInput(forms.TextInput):
    """Never shows what was typed again, also not beside an error."""

    def format_value(self, value: object) -> None:
        return None


class NameForm(forms.Form):
    name = forms.CharField(max_length=LONGEST_NAME, label="Name", help_text="As the pages show the account.")


class KeysForm(forms.Form):
    key_id = forms.CharField(
        max_length=LONGEST_KEY,
        label="API key id",
        widget=KeyInput(attrs=_TYPED),
        help_text="Afterwards only its last four characters are shown.",
    )
    secret = forms.CharField(
        max_length=LONGEST_SECRET,
        label="Secret key",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="It is stored encrypted and never shown again.",
    )

    def credentials(self) -> Credentials:
        """Of a valid form."""
        return Credentials(key_id=self.cleaned_data["key_id"], secret=self.cleaned_data["secret"])


class AddForm(NameForm):
    """An account of one of KINDS. A simulation has no keys."""

    activate = forms.BooleanField(required=False)

    def __init__(self, kind: str, data: Mapping[str, Any] | None, *, activate: bool) -> None:
        self.broker, self.mode, name = KINDS[kind]
        super().__init__(data, initial={"name": name, "activate": activate})
        box = self.fields.pop("activate")
        if not self.is_simulation:
            self.fields |= KeysForm().fields
        box.label = f"Make it the active {self.mode.value} account"
        if not self.is_simulation:
            box.label += " once its test has passed"
        box.help_text = "New deployments use it and the pages show it. What runs in another account goes on there."
        self.fields["activate"] = box

    @property
    def is_simulation(self) -> bool:
        return self.broker == BrokerAccount.Broker.PAPER

    def credentials(self) -> Credentials | None:
        """Of a valid form."""
        if self.is_simulation:
            return None
        return Credentials(key_id=self.cleaned_data["key_id"], secret=self.cleaned_data["secret"])
