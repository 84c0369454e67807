"""The forms of live trading, one module for each subject."""

from livetrading.forms.analysis import AnalysisFilters
from livetrading.forms.broker_accounts import KINDS, AddForm, KeysForm, NameForm
from livetrading.forms.deploy import DeployForm
from livetrading.forms.risk_rules import RuleForm, SectorsForm
from livetrading.forms.signals import SIGNAL_CODES, SignalFilters
from livetrading.forms.tickets import TicketForm
from livetrading.forms.trades import TradeFilters

__all__ = [
    "KINDS",
    "SIGNAL_CODES",
    "AddForm",
    "AnalysisFilters",
    "DeployForm",
    "KeysForm",
    "NameForm",
    "RuleForm",
    "SectorsForm",
    "SignalFilters",
    "TicketForm",
    "TradeFilters",
]
