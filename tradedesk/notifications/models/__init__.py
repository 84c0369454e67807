from tradedesk.notifications.models.notification import Notification

__all__ = ["Notification"]
