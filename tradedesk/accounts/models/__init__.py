from tradedesk.accounts.models.token import ApiToken
from tradedesk.accounts.models.user import Mode, User
from tradedesk.accounts.models.version import UserVersion

__all__ = ["ApiToken", "Mode", "User", "UserVersion"]
