from tradedesk.accounts.models.notification import Notification
from tradedesk.accounts.models.token import ApiToken
from tradedesk.accounts.models.user import Mode, User

__all__ = ["ApiToken", "Mode", "Notification", "User"]
