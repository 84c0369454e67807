from typing import Any

from django import forms

from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.managing import LONGEST_ADDRESS, LONGEST_NAME
from tradedesk.notifications.models import Channel

# Ids that one request marks as read.
MOST_IDS = 200


class MarkReadForm(forms.Form):
    """up_to: all with ids up to this one, which were on the page. Without it, `ids` in the request count."""

    up_to = forms.IntegerField(min_value=1)


class InboxFilters(forms.Form):
    """An invalid filter shows its error and is ignored; the valid filters apply."""

    event = forms.ChoiceField(
        required=False, choices=[("", "All"), *((event.value, event.label) for event in Event)]
    )
    priority = forms.ChoiceField(
        required=False,
        choices=[("", "All"), *((priority.name.lower(), priority.label) for priority in Priority)],
    )
    unread = forms.BooleanField(required=False, label="Unread only")

    @property
    def is_active(self) -> bool:
        return any(self.data.get(name) for name in self.fields)

    def values(self) -> dict[str, Any]:
        """The valid filters, as `inbox.filtered` takes them."""
        self.full_clean()
        found = {name: value for name, value in self.cleaned_data.items() if value}
        if "priority" in found:
            found["priority"] = Priority[found["priority"].upper()]
        return found


class ChannelForm(forms.Form):
    """A new channel."""

    kind = forms.ChoiceField(choices=Channel.Kind, label="Kind")
    name = forms.CharField(max_length=LONGEST_NAME, label="Name", help_text="Such as “Telegram on my phone”.")
    address = forms.CharField(
        required=False,
        max_length=LONGEST_ADDRESS,
        label="Address",
        help_text="Of a messenger, its apprise URL, such as tgram://bot-token/chat-id, ntfys://topic or "
        "discord://id/token; of a webhook, https://… It is stored encrypted and not shown again. Mail goes to the "
        "address of your account.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}),
    )
    on_replay = forms.BooleanField(
        required=False,
        label="Also on the replay market",
        help_text="There the sessions follow each other within seconds, and so do the messages.",
    )
