from tradedesk.notifications.models.channel import Channel, EventChoice
from tradedesk.notifications.models.delivery import Delivery
from tradedesk.notifications.models.notification import Notification

__all__ = ["Channel", "Delivery", "EventChoice", "Notification"]
