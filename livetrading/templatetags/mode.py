"""The mode on the pages: the field of the forms, and what the banner counts."""

from typing import Any

from django import template
from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString

from livetrading.control_forms import SHOWN_ACCOUNT, SHOWN_MODE
from livetrading.models import BrokerAccount
from livetrading.services.mode import live_strategies_that_may_trade
from livetrading.summaries.broker_accounts import accounts_of
from tradedesk.accounts.models import User

register = template.Library()

ACCOUNT = "_shown_account"


@register.simple_tag(takes_context=True)
def shown_mode(context: dict[str, Any]) -> SafeString:
    """The hidden field of a form that trades or changes trading: in_shown_mode refuses it in the other mode."""
    return format_html('<input type="hidden" name="{}" value="{}">', SHOWN_MODE, context["request"].user.mode)


@register.simple_tag(takes_context=True)
def shown_account(context: dict[str, Any]) -> SafeString:
    """The hidden field of a form that acts on the active account: in_shown_mode refuses it when that is another
    one now. One query for all forms of a page; before an account is opened, none is named."""
    request = context["request"]
    if not hasattr(request, ACCOUNT):
        active = request.user.broker_accounts.filter(mode=request.user.mode, active=True)
        setattr(request, ACCOUNT, active.values_list("pk", flat=True).first() or "")
    return format_html('<input type="hidden" name="{}" value="{}">', SHOWN_ACCOUNT, getattr(request, ACCOUNT))


@register.simple_tag
def live_strategies_of(user: User) -> int:
    """How many may trade. One query."""
    return live_strategies_that_may_trade(user)


@register.simple_tag
def broker_accounts(user: User) -> QuerySet[BrokerAccount]:
    """Those that are not revoked, of which there are few. One query."""
    return accounts_of(user)


@register.filter
def account_name(account: BrokerAccount) -> str:
    """With the last four characters of the broker's number, which tell two accounts apart."""
    return f"{account.name} ••{account.number[-4:]}" if account.number else account.name
