"""The forms of live trading, one module for each subject."""

from livetrading.forms.broker_accounts import KINDS, AddForm, KeysForm, NameForm
from livetrading.forms.deploy import DeployForm
from livetrading.forms.risk_rules import RuleForm, SectorsForm
from livetrading.forms.signals import SIGNAL_CODES, SignalFilters

__all__ = [
    "KINDS",
    "SIGNAL_CODES",
    "AddForm",
    "DeployForm",
    "KeysForm",
    "NameForm",
    "RuleForm",
    "SectorsForm",
    "SignalFilters",
]
