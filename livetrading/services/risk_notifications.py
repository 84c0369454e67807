"""Notifications about the loss limits of an account."""

from datetime import datetime

from livetrading.models import BrokerAccount
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.services import notify

RULES_URL = "/dashboard/risk-rules"


def notify_rule_tripped(account: BrokerAccount, reason: str, now: datetime) -> None:
    """Report that a loss limit of the account has tripped, which holds until the next day."""
    text = f"{account.name}: {reason} No entries until tomorrow."
    notify(account.user, Event.LIMIT_TRIPPED, text, RULES_URL, now)


def notify_kill_switch(account: BrokerAccount, reason: str, *, flatten: bool, now: datetime) -> None:
    positions = "all positions are sold" if flatten else "positions are kept with their protection"
    text = (
        f"Kill switch of {account.name}: {reason} Entries are stopped, entry orders cancelled, and {positions}. "
        "The account stays halted until you lift the halt."
    )
    notify(account.user, Event.KILL_SWITCH, text, RULES_URL, now)


def notify_peak_restarted(account: BrokerAccount, now: datetime) -> None:
    """Report that drawdowns are measured from the equity at which a kill switch was lifted."""
    text = f"{account.name}: drawdowns are measured again from the equity of ${account.equity:,.2f}."
    notify(account.user, Event.KILL_SWITCH, text, RULES_URL, now, priority=Priority.NORMAL)
